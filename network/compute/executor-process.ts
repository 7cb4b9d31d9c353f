/** The script of a device's process; its argument is a task as JSON. */
import { openBackend } from "../../compute/open.ts";
import { serve } from "./executor.ts";
import type { DeviceTask } from "./protocol.ts";

const task: DeviceTask = JSON.parse(process.argv[2] as string);
await serve(task, ({ backend, threads }) => openBackend(backend, threads === undefined ? {} : { wasm: { threads } }));
