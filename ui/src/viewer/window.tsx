import { start } from "@/app/start";

import { ViewerApp } from "./ViewerApp";

void start(<ViewerApp />, "dark");
