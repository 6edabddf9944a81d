// The page of the folder form: everything comes from files beside it.

import { mount } from "./explorer.js";

await mount(document.querySelector("#explorer"), "model.safetensors");
