import { describe, expect, test } from "vitest";
import { refusal } from "../testing.ts";
import { isSoftware } from "./adapter.ts";
import { openWebgpu } from "./backend.ts";
import { openForTests, runProgram } from "./testing.ts";

/** Graphics interfaces that this platform does not have. */
const FOREIGN = process.platform === "win32" ? (["metal"] as const) : (["d3d12", "d3d11"] as const);
const ways = FOREIGN.map((backend) => ({ backend, featureLevel: "core" as const }));

test.each([
	["llvmpipe-llvm-15-0-6-256-bits-", "OpenGL version 4.5 (Core Profile) Mesa 22.3.6", true],
	["llvmpipe (LLVM 19.1.7, 256 bits)", "llvmpipe Mesa 25.0.7", true],
	["lavapipe", "", true],
	["softpipe", "", true],
	["SwiftShader Device (Subzero)", "SwiftShader driver-5.0.0", true],
	["Microsoft Basic Render Driver", "", true],
	["Direct3D WARP adapter", "", true],
	["NVIDIA H200", "NVIDIA: 570.86.15 570.86.15", false],
	["Apple M1 Max", "Metal driver on macOS", false],
	["AMD Radeon RX 7900 XTX (RADV NAVI31)", "radv: Mesa 25.0.7", false],
	["Intel(R) UHD Graphics warped", "", false],
])("%s: software %s %s", (device, description, software) => {
	expect(isSoftware({ vendor: "", architecture: "", device, description })).toBe(software);
});

test("an adapter of last resort is software", () => {
	expect(isSoftware({ vendor: "", architecture: "", device: "a device", description: "", isFallbackAdapter: true })).toBe(true);
});

describe("without an adapter", () => {
	test("opening says what was tried, and what to install", async () => {
		const error = await openWebgpu({ ways }).catch((thrown) => thrown);
		expect(error.code).toBe("NO_ADAPTER");
		expect(error.message).toMatch(/^webgpu: expected a device, found none; tried /);
		for (const backend of FOREIGN) expect(error.message).toContain(`${backend} (core): `);
		expect(error.hint).toMatch(process.platform === "linux" ? /libvulkan1.*libegl-dev libgl1-mesa-dri/ : /driver/);
	});

	test("tests are skipped, unless a device is required", async () => {
		expect(await openForTests({ ways }, false)).toBeUndefined();
		expect((await refusal(() => openForTests({ ways }, true))).code).toBe("NO_ADAPTER");
	});

	// Other systems cannot hide their drivers from one process.
	test.skipIf(process.platform !== "linux")("the suite fails where a device is required, and passes where none is", async () => {
		const hidden = { __EGL_VENDOR_LIBRARY_DIRS: "/nonexistent", VK_DRIVER_FILES: "/nonexistent", VK_ICD_FILENAMES: "/nonexistent" };
		const suite = ["node_modules/vitest/vitest.mjs", "run", "--project", "default", "compute/webgpu/exactness.test.ts"];
		const [required, free] = [
			await runProgram(suite, { ...hidden, REQUIRE_WEBGPU: "1" }),
			await runProgram(suite, { ...hidden, REQUIRE_WEBGPU: "" }),
		];
		expect(required.code).toBe(1);
		expect(required.stdout + required.stderr).toContain("webgpu: expected a device, found none");
		expect(free.code).toBe(0);
		expect(free.stdout + free.stderr).toContain("skipped: webgpu: expected a device, found none");
	});
});

test("an adapter that was found has a name and a driver", async ({ skip }) => {
	const backend = await openForTests();
	if (!backend) return skip();
	expect(backend.adapter.device).not.toBe("");
	expect(backend.adapter.driver).toMatch(/ through Dawn, /);
	expect(backend.limits.tensorBytes).toBeGreaterThanOrEqual(2 ** 27);
	await backend.close();
});
