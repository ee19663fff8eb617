// A button that copies a text; where the browser does not let a page copy, the text is marked for the person's own keys.

import { h, write } from "./element.js";

const SHOWN = 2000; // milliseconds for which the button says that it has copied

/** `source` is the element whose text is copied. */
export function copying(context, source, what = "Copy") {
  const button = h("button", { type: "button", class: "quiet", onclick: copy }, what);

  async function copy() {
    let told = "Copied";
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      getSelection().selectAllChildren(source);
      told = "Marked: copy it with your keys";
    }
    write(button, told);
    context.say(told);
    setTimeout(() => write(button, what), SHOWN);
  }
  return button;
}
