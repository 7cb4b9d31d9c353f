import { LARGE_FOREIGN } from "../testing/circuits.ts";
import { describeForeign } from "../testing/foreign.ts";

describeForeign(LARGE_FOREIGN);
