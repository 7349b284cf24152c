// upload.mjs TASK.json: uploads the values on its standard input, a JSON list, with @divviup/dap.
// Exit 77: it can't judge, and says why.
import { readFileSync } from "node:fs";

let Task;
try {
  ({ Task } = await import("@divviup/dap"));
} catch (error) {
  console.error(`the npm packages are missing; run npm ci in tests/judges/dap (${error.code})`);
  process.exit(77);
}

const { task } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const values = JSON.parse(readFileSync(0, "utf8"));
const bits = (max) => BigInt(max).toString(2).length;
const { vdaf } = task;
const specs = {
  "count": () => ({ type: "count" }),
  "sum": () => ({ type: "sum", bits: bits(vdaf.max_measurement) }),
  "histogram": () =>
    ({ type: "histogram", length: vdaf.length, chunkLength: vdaf.chunk_length }),
  "sum-vec": () => ({
    type: "sumVec", bits: bits(vdaf.max_measurement), length: vdaf.length,
    chunkLength: vdaf.chunk_length,
  }),
};
const client = new Task({
  id: task.id,
  leader: task.leader,
  helper: task.helper,
  timePrecisionSeconds: task.time_precision_s,
  ...specs[vdaf.circuit](),
});
for (const value of values) await client.sendMeasurement(value);
console.log(values.length);
