// The page of the single file: the model and the engine are texts in base64 inside it.

function inside(id) {
  const text = document.getElementById(id).textContent;
  // several times as fast, where there is one
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text).buffer;
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes.buffer;
}

await mount(document.querySelector("#explorer"), inside("model"), { wasm: inside("engine") });
