import { h, render } from "preact";

render(h("h1", null, "counted by the front end"), document.body);
