/** Warnings of `circom --inspect` that are no mistakes. Any other is one. */

export const ALLOWED_WARNINGS: readonly { readonly statement: string; readonly warning: RegExp; readonly reason: string }[] = [
	{
		statement: "total",
		warning: /^warning\[CA02\]: In template "Total\([\d,]+\)": Subcomponent input\/output signal page\.count does not appear/,
		reason: "the number of active places is an output of the shared page for `score`; the total depends on the sum alone",
	},
];
