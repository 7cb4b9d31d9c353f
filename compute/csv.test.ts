import { describe, expect, test } from "vitest";
import { type CsvOptions, parseCsv } from "./csv.ts";
import { refusal } from "./testing.ts";

const read = (text: string, options?: CsvOptions) => parseCsv(new TextEncoder().encode(text), "t.csv", options);
const GOOD = "a,b,y\n1,2,0\n3,4.5,1\n-5e1,6,1\n";

describe("parseCsv reads", () => {
	test("a header, features and the last column as label", () => {
		expect(read(GOOD)).toEqual({
			source: "t.csv",
			columns: ["a", "b"],
			rows: Float64Array.of(1, 2, 3, 4.5, -50, 6),
			n: 3,
			m: 2,
			labels: Uint8Array.of(0, 1, 1),
			k: 2,
			classes: ["0", "1"],
			owners: null,
		});
	});

	test("no header: columns are named by their index", () => {
		const table = read("1,2,0\n3,4,1\n", { label: "2" });
		expect(table.columns).toEqual(["0", "1"]);
		expect(table.n).toBe(2);
	});

	test("names that are numbers, if told that they are a header", () => {
		expect(read("7,8,9\n1,2,0\n", { header: true }).columns).toEqual(["7", "8"]);
		expect(read("7,8,9\n1,2,0\n").n).toBe(2);
	});

	test.each([",", "\t", ";", "|"])("separator %j", (separator) => {
		expect(read(GOOD.replaceAll(",", separator))).toEqual(read(GOOD));
	});

	test("a byte order mark, CRLF, blank lines, spaces, quotes and no last line break", () => {
		expect(read('\uFEFFa,b,y\r\n\r\n 1 ,"2",0\r\n3,4.5,1\r\n-5e1,6,1')).toEqual(read(GOOD));
	});

	test("the label and the owner by name or index", () => {
		const text = "who,y,a\nann,0,1\nbob,1,2\nNone,1,3\n";
		const table = read(text, { label: "y", owner: "who" });
		expect(table.owners).toEqual(["ann", "bob", "None"]);
		expect(table.columns).toEqual(["a"]);
		expect(table).toEqual(read(text, { label: 1, owner: 0 }));
	});

	test("strings as classes in order of first appearance", () => {
		const { labels, k, classes } = read("a,y\n1,dog\n2,cat\n3,dog\n");
		expect([...labels]).toEqual([0, 1, 0]);
		expect([k, classes]).toEqual([2, ["dog", "cat"]]);
	});

	test("ignored columns", () => {
		expect(read("a,text,y\n1,x,0\n2,z,1\n", { ignore: ["text"] }).columns).toEqual(["a"]);
	});

	test("scikit-learn's line of counts and names, of another and of the same width as the rows", () => {
		expect(read("2,2,no,yes\n1,2,0\n3,4,1\n")).toMatchObject({ n: 2, m: 2, classes: ["no", "yes"] });
		expect(read("2,2,no\n1,2,0\n3,4,0\n")).toMatchObject({ n: 2, m: 2, classes: ["no"] });
	});
});

describe("parseCsv refuses", () => {
	test.each([
		["a line with fewer columns", GOOD.replace("3,4.5,1", "3,4.5"), "CSV_MALFORMED", "t.csv: line 3, column 2: the line has 2 columns"],
		["a line with more columns", GOOD.replace("3,4.5,1", "3,4.5,1,9"), "CSV_MALFORMED", "t.csv: line 3, column 3: the line has 4 columns"],
		["an open quote", GOOD.replace("4.5", '"4.5'), "CSV_MALFORMED", "t.csv: line 3, column 1: a quote is never closed"],
		["text after a quote", GOOD.replace("4.5", '"4"5'), "CSV_MALFORMED", "t.csv: line 3, column 1: Invalid Closing Quote"],
		["a feature that is text", GOOD.replace("4.5", "x"), "VALUE_NOT_NUMERIC", 't.csv: line 3, column 1 ("b"): feature "x"'],
		["infinity", GOOD.replace("4.5", "1e999"), "VALUE_NOT_NUMERIC", 't.csv: line 3, column 1 ("b"): feature "1e999"'],
		["hexadecimal", GOOD.replace("4.5", "0x10"), "VALUE_NOT_NUMERIC", 't.csv: line 3, column 1 ("b"): feature "0x10"'],
		["an empty feature", GOOD.replace("4.5", ""), "VALUE_MISSING", 't.csv: line 3, column 1 ("b"): the cell is ""'],
		["NaN", GOOD.replace("4.5", "NaN"), "VALUE_MISSING", 't.csv: line 3, column 1 ("b"): the cell is "NaN"'],
		["an empty label", GOOD.replace("4.5,1", "4.5,"), "VALUE_MISSING", 't.csv: line 3, column 2 ("y")'],
		["a fraction as label", GOOD.replace("4.5,1", "4.5,1.5"), "LABEL_NOT_INTEGER", 't.csv: line 3, column 2 ("y"): label "1.5"'],
		["one text among integer labels", GOOD.replace("4.5,1", "4.5,l"), "LABEL_NOT_INTEGER", 't.csv: line 3, column 2 ("y"): label "l"'],
		["a negative label", GOOD.replace("4.5,1", "4.5,-1"), "LABEL_OUT_OF_RANGE", "would be class -1, the range is [0, 255]"],
		["a label above a byte", GOOD.replace("4.5,1", "4.5,256"), "LABEL_OUT_OF_RANGE", "would be class 256, the range is [0, 255]"],
		["no rows", "a,b,y\n", "TOO_FEW_ROWS", "t.csv: no rows"],
		["no features", "y\n0\n1\n", "TOO_FEW_COLUMNS", "t.csv: no feature columns among 1"],
	])("%s", async (_, text, code, message) => {
		expect(() => read(GOOD)).not.toThrow();
		expect(await refusal(() => read(text))).toEqual({ code, message: expect.stringContaining(message) });
	});

	test("the 257th class of strings", async () => {
		const rows = (count: number) => Array.from({ length: count }, (_, i) => `${i},class${i}\n`).join("");
		expect(read(rows(256)).k).toBe(256);
		expect(await refusal(() => read(rows(257)))).toEqual({
			code: "LABEL_OUT_OF_RANGE",
			message: expect.stringContaining("line 257, column 1"),
		});
	});

	test.each([
		["an unknown name", { label: "z" }, 't.csv: no column "z"; there are 3: a, b, y'],
		["an index outside", { label: 3 }, "t.csv: no column 3"],
		["one column in two parts", { owner: "y" }, 'column 2 ("y") is named as label and as owner'],
	])("%s", async (_, options, message) => {
		expect(await refusal(() => read(GOOD, options))).toEqual({ code: "COLUMN_UNKNOWN", message: expect.stringContaining(message) });
	});

	test("a name that stands twice", async () => {
		expect(await refusal(() => read(GOOD.replace("a,b", "b,b"), { label: "b" }))).toEqual({
			code: "COLUMN_UNKNOWN",
			message: 't.csv: two columns are named "b"',
		});
	});

	test("a row without owner", async () => {
		const text = "who,a,y\nann,1,0\nbob,2,1\n";
		expect(read(text, { owner: "who" }).n).toBe(2);
		expect(await refusal(() => read(text.replace("bob", ""), { owner: "who" }))).toEqual({
			code: "VALUE_MISSING",
			message: expect.stringContaining('line 3, column 0 ("who")'),
		});
	});
});
