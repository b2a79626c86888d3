import { Gate } from "@/app/Gate";
import { start } from "@/app/start";

import { Reference } from "./Reference";

void start(
  <Gate>
    <Reference />
  </Gate>,
);
