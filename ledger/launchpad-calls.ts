/** What the owner of launchpad and matching rounds does, as calls for a proposal. Amounts are in wei. */
import { interfaces } from "./contracts.ts";
import type { Deployment } from "./deployment.ts";
import type { RoundTerms } from "./matching.ts";

/** One call of a proposal. */
export interface GovernanceCall {
	readonly target: string;
	readonly data: string;
	/** what it does, for people */
	readonly what: string;
}

/** Approves a grant: the treasury's money, then the grant. @param total sum of the milestones */
export function approveGrantCalls(deployment: Deployment, grant: string, total: bigint): GovernanceCall[] {
	return [allowance(deployment, "OpenCirceLaunchpad", total), launchpad(deployment, "approve", [grant], `approve grant ${grant}`)];
}

/** Rejects or cancels a grant. */
export function cancelGrantCalls(deployment: Deployment, grant: string): GovernanceCall[] {
	return [launchpad(deployment, "cancel", [grant], `cancel grant ${grant}`)];
}

/** Decides a challenge. */
export function decideCalls(
	deployment: Deployment,
	decision: { grant: string; milestone: number; challengedAt: bigint; upheld: boolean },
): GovernanceCall[] {
	const { grant, milestone, challengedAt, upheld } = decision;
	const what = `${upheld ? "uphold" : "dismiss"} the challenge of milestone ${milestone} of grant ${grant}`;
	return [launchpad(deployment, "decide", [grant, milestone, challengedAt, upheld], what)];
}

/** Opens a matching round with the treasury's money. */
export function openRoundCalls(deployment: Deployment, terms: RoundTerms, pool: bigint): GovernanceCall[] {
	const { startsAt, endsAt, settlesAt, multiple, cap } = terms;
	const open = rounds(deployment, "openRound", [[startsAt, endsAt, settlesAt, multiple, cap], pool], `open a round with ${pool} wei`);
	return pool === 0n ? [open] : [allowance(deployment, "MatchingRounds", pool), open];
}

/** Admits a project. */
export function admitCalls(deployment: Deployment, project: string): GovernanceCall[] {
	return [rounds(deployment, "admit", [project], `admit project ${project}`)];
}

/** Rejects or cancels a project. */
export function cancelProjectCalls(deployment: Deployment, project: string): GovernanceCall[] {
	return [rounds(deployment, "cancel", [project], `cancel project ${project}`)];
}

function allowance({ contracts }: Deployment, spender: "OpenCirceLaunchpad" | "MatchingRounds", amount: bigint): GovernanceCall {
	const data = interfaces.OpenToken.encodeFunctionData("approve", [contracts[spender], amount]);
	return { target: contracts.OpenToken, data, what: `approve ${amount} wei of OPEN to ${spender}` };
}

function launchpad({ contracts }: Deployment, name: string, args: readonly unknown[], what: string): GovernanceCall {
	return { target: contracts.OpenCirceLaunchpad, data: interfaces.OpenCirceLaunchpad.encodeFunctionData(name, args), what };
}

function rounds({ contracts }: Deployment, name: string, args: readonly unknown[], what: string): GovernanceCall {
	return { target: contracts.MatchingRounds, data: interfaces.MatchingRounds.encodeFunctionData(name, args), what };
}
