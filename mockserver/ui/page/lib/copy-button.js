// A button that copies a text; where the browser does not let a page copy, the text is marked for the person's own keys.

import { h, setText } from "./dom.js";

const SHOWN = 2000; // milliseconds for which the button says that it has copied

/** `source` is the element whose text is copied. */
export function createCopyButton(context, source, what = "Copy") {
  const mark = () => getSelection().selectAllChildren(source);
  return h("button", { type: "button", class: "quiet", onclick: ({ target }) => copyText(context, target, source.textContent, mark) }, what);
}

/** Copies a text, and says so on the button. `mark` marks it where that is not allowed; else it is shown to be copied. */
export async function copyText(context, button, text, mark = () => prompt("Copy it with your keys:", text)) {
  const what = button.textContent;
  let told = "Copied";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    mark();
    told = "Marked: copy it with your keys";
  }
  setText(button, told);
  context.say(told);
  setTimeout(() => setText(button, what), SHOWN);
}
