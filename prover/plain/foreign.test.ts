import { FOREIGN } from "../testing/circuits.ts";
import { describeForeign } from "../testing/foreign.ts";

describeForeign(FOREIGN);
