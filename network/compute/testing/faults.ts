/** What devices do in tests; see faulty-process.ts. */

/** Of a job: crash, "crash once", destroy (of a WebGPU device), lost, memory, disk, stall (deaf to everything but a kill). Of the device: inexact, absent, hang. */
export type Fault = "crash" | "crash once" | "destroy" | "lost" | "memory" | "disk" | "stall" | "inexact" | "absent" | "hang";

/** Statistics of so many rows meet the fault. */
export const FAULTY_ROWS = 77;

/** The script of a process with faults. */
export const FAULTY_SCRIPT = new URL("./faulty-process.ts", import.meta.url);
