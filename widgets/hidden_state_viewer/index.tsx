import { mount } from "../shared/mount";
import { View } from "./view";
import "./style.css";
import "./grid.css";
import "./cell.css";
import "./trace.css";

export default mount(View);
