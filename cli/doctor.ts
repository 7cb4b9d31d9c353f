/** `openledger doctor`: what this machine has, what is missing, and what to install. */
import { Command } from "commander";
import type { BackendName } from "../compute/backend.ts";
import { BACKENDS } from "../compute/open.ts";
import type { CommandContext } from "./command.ts";
import { computeProfilePath } from "./compute/place.ts";
import { backend } from "./compute/tune.ts";
import { backendChecks } from "./doctor/backends.ts";
import type { Check } from "./doctor/check.ts";
import { machineChecks } from "./doctor/machine.ts";
import { storageChecks } from "./doctor/storage.ts";
import { EXIT } from "./exit.ts";

export function doctorCommand(context: CommandContext): Command {
	return new Command("doctor")
		.description("look at Node.js, processor, memory, folders, job store and backends; exit code 1 if something needed is missing")
		.option("--backend <name>", `this one is needed too: ${BACKENDS.join(", ")}`, backend)
		.action(async ({ backend }: { backend?: BackendName }) => {
			await context.run("openledger.doctor.v1", async ({ signal }) => {
				const [machine, storage] = [machineChecks(), storageChecks()];
				const all = [...machine, ...(await storage), ...(await backendChecks(computeProfilePath(), backend, signal))];
				const checks = all.map(({ remedy, ...check }) => (check.ok || remedy === undefined ? check : { ...check, remedy }));
				const isWell = checks.every(({ ok, needed }) => ok || !needed);
				return { result: { isWell, checks }, text: describe(checks, isWell), exit: isWell ? EXIT.ok : EXIT.invalid };
			});
		});
}

function describe(checks: readonly Check[], isWell: boolean): string {
	const width = Math.max(...checks.map(({ what }) => what.length));
	const lines = checks.flatMap(({ what, ok, needed, found, remedy }) => {
		const state = ok ? "ok     " : needed ? "MISSING" : "absent ";
		return [`${state}  ${what.padEnd(width)}  ${found}`, ...(remedy ? [`${" ".repeat(width + 11)}-> ${remedy}`] : [])];
	});
	return [...lines, "", isWell ? "Everything needed is there." : "Something needed is missing."].join("\n");
}
