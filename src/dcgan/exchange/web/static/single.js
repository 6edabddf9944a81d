// The page of the single file: the model and the engine are texts in base64 inside it.

function inside(id) {
  const text = atob(document.getElementById(id).textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes.buffer;
}

await mount(document.querySelector("#explorer"), inside("model"), { wasm: inside("engine") });
