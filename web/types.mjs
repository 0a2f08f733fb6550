// Writes the types of our own OpenAPI document, which the daemon's code has,
// to src/openapi.d.ts.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const document = execFileSync(process.env.GO ?? "go", ["run", "./cmd/internal/document"], { cwd: "..", maxBuffer: 1 << 26 });
const types = await openapiTS(JSON.parse(document.toString()));
writeFileSync("src/openapi.d.ts", astToString(types));
