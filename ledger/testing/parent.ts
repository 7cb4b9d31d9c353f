/** Starts a chain, prints its process id and waits to be killed; with the argument `leave` it just ends, without closing. For tests. */
import { startDevnet } from "../devnet.ts";

const devnet = await startDevnet({ accounts: 1 });
process.stdout.write(`${devnet.pid}\n`);
if (process.argv[2] !== "leave") setInterval(() => {}, 1_000);
