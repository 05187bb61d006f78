import { render } from "preact";

render(<p>soup of the day</p>, document.getElementById("app"));
