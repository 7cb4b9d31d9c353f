/** Follows an index step by step, prints a line for each, and ends when it is done. For tests that kill it. */
import { text } from "node:stream/consumers";
import { Indexer } from "../indexer/indexer.ts";
import { connect } from "../node.ts";

const { url, directory, deployment } = JSON.parse(await text(process.stdin));
const node = await connect({ url, chainId: deployment.chainId });
const index = await Indexer.open({ place: { directory }, deployment, node, span: 1 });
await index.follow({ once: true, retryMs: 5, onStep: ({ tip }) => process.stdout.write(`${tip}\n`) });
await index.close();
