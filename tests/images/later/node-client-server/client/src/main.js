import { nanoid } from "nanoid";
document.title = `client ${nanoid()}`;
