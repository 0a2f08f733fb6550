// Package webhook tells others' servers what happens, by POST.
//
// Subscriptions are durable, deliveries are not: what could not be delivered in
// time, or happened while the daemon was down, is gone, and the receiver is
// told with an event of type reset that it has to read anew what it follows.
//
// A delivery is signed, see [Sign]. Its target is on the public internet unless
// the configuration says otherwise: the daemon is inside a network that users
// are not, and must not be their hand there.
package webhook
