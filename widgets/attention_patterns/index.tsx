import { mount } from "../shared/mount";
import { View } from "./view";
import "./style.css";

export default mount(View);
