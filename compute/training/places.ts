/** Where the layers of a network in training lie in its memory; each row is padded with zeros to a multiple of 8 floats. */
import type { Workspace } from "../wasm/workspace.ts";
import type { Network } from "./network.ts";

/** Where a layer lies: addresses, and bytes of a row of its inputs and of its outputs. */
export interface Place {
	readonly inputs: number;
	readonly outputs: number;
	readonly inputBytes: number;
	readonly outputBytes: number;
	/** inputs x outputs, padded in both. */
	readonly weights: number;
	readonly velocity: number;
	readonly bias: number;
	readonly biasVelocity: number;
	/** batch x inputs: what the layer is given; unused where the inputs are sparse. */
	readonly given: number;
	/** batch x outputs: what it gives, then the errors. */
	readonly gives: number;
	/** batch x outputs: the errors that go back. */
	readonly errors: number;
	/** batch x outputs: what ReLU and dropout multiplied by. */
	readonly mask: number;
}

/** Bytes of a row of floats. */
export const padded = (columns: number): number => 32 * Math.ceil(columns / 8);

/**
 * Room for a network and for what happens to a batch in it, content undefined.
 * @param dense - whether the first layer needs room for what it is given
 */
export function placeLayers(space: Workspace, { layers }: Network, batch: number, dense: boolean): Place[] {
	let given = space.allocate(dense ? batch * padded(layers[0]?.weights.rows ?? 0) : 0);
	return layers.map(({ weights, bias }) => {
		const [inputs, outputs] = [weights.rows, bias.length];
		const [inputBytes, outputBytes] = [padded(inputs), padded(outputs)];
		const size = (inputBytes / 4) * outputBytes;
		const place = {
			...{ inputs, outputs, inputBytes, outputBytes, given },
			...{ weights: space.allocate(size), velocity: space.allocate(size) },
			...{ bias: space.allocate(outputBytes), biasVelocity: space.allocate(outputBytes) },
			...{
				gives: space.allocate(batch * outputBytes),
				errors: space.allocate(batch * outputBytes),
				mask: space.allocate(batch * outputBytes),
			},
		};
		given = place.gives;
		return place;
	});
}
