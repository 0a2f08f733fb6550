// Does by openapi-fetch, with the types that openapi-typescript makes, what
// TestOAPICodegen does. It says nothing if all is well.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { paths } from "./openapi.js";

const { CONGA_SERVER, CONGA_ADMIN_KEY_FILE } = process.env;
const client = (key?: string) =>
  createClient<paths>({ baseUrl: `${CONGA_SERVER}/api/v1`, headers: key ? { Authorization: `Bearer ${key}` } : {} });

const login = await client().POST("/auth", { body: { user_id: "abc123", project_id: "projectB" } });
assert(login.data, JSON.stringify(login.error));
const c = client(login.data.results[0]!.api_key);
const made = await c.POST("/allocations", {
  body: { project_id: "projectB", src_ip: "10.0.0.1", dst_ip: "10.0.0.3", protocol: "tcp", dst_port: 7003, start_time: "now", duration: 600, bandwidth: 5e6 },
});
assert(made.data && made.response.status === 201, JSON.stringify(made.error));
const path = { allocation_id: (made.data.results[0] as { allocation_id: string }).allocation_id };
for (let state = "", tries = 0; state !== "active"; tries++) {
  const shown = await c.GET("/allocations/{allocation_id}", { params: { path } });
  assert(shown.data && tries < 400, JSON.stringify(shown.error ?? shown.data));
  state = shown.data.results[0]!.state;
  if (state !== "active") await new Promise((wake) => setTimeout(wake, 50));
}
const changed = await c.PATCH("/allocations/{allocation_id}", { params: { path }, body: { bandwidth: 7e6 } });
assert.equal(changed.data?.results[0]!.bandwidth, 7e6, JSON.stringify(changed.error));
const list = await c.GET("/allocations");
assert(list.data?.results.some((a) => a.allocation_id === path.allocation_id), JSON.stringify(list.error));
const gone = await c.DELETE("/allocations/{allocation_id}", { params: { path } });
assert(gone.data, JSON.stringify(gone.error));
const refused = await c.POST("/allocations", { body: { project_id: "projectB" } });
assert(refused.error?.status === 422 && refused.error.errors.length > 0, JSON.stringify(refused));
const operator = client(readFileSync(CONGA_ADMIN_KEY_FILE!, "utf8").trim());
assert.equal((await operator.GET("/switches")).data?.results.length, 4);
