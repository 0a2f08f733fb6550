// Package httpapitest holds answers of the API against its OpenAPI document.
// Tests put [Contract.Handler] around a server or [Contract.Transport] below a
// client, and every answer that passes is checked, whichever test asked for it.
package httpapitest
