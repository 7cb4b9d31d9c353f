/** The script of a device's process; its argument is a task as JSON. */
import { openBackend } from "../../compute/open.ts";
import { serve } from "./executor.ts";

await serve(JSON.parse(process.argv[2] as string), openBackend);
