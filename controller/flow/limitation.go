package flow

import (
	"errors"
	"fmt"
	"slices"

	"conga/controller/path"
	"conga/controller/topology"
	"conga/openflow"
)

// Limitations returns, a sentence each, what a switch cannot do of what the
// policy asks for, as far as that follows from what it has.
func Limitations(sw topology.Switch, p Policy) (out []string) {
	v := &view{policy: p, sw: sw}
	say := func(is bool, sentence string) {
		if is {
			out = append(out, sentence)
		}
	}
	l2 := p.Forwarding == ForwardL2
	single := l2 && !v.pipelined()
	masked := !v.lacks(topology.LacksMasks)
	say(single && masked, "It has one table for CONGA, so hosts are found by their broadcasts and multicasts only.")
	say(single && !masked, "It has one table for CONGA and no masks of Ethernet addresses, so hosts are found by their ARP requests only.")
	say(!single && l2 && !masked, "It has no masks of Ethernet addresses, so multicasts that reach it beside the broadcast tree go to the controller to be dropped.")
	say(!single && l2 && v.lacks(topology.LacksICMPv6Type) && v.meterable(), "It cannot match the type of ICMPv6, so all ICMPv6 together is held to 1,000 packets/s.")
	say(v.lacks(topology.LacksICMPv4Type), "It cannot match the type of ICMP, so messages that IPv4 packets are too big are not carried with an allocation.")
	say(v.lacks(topology.LacksICMPv6Type), "It cannot match the type of ICMPv6, so messages that IPv6 packets are too big are not carried with an allocation.")
	say(v.lacks(topology.LacksRemovals), "It does not report flow entries that are gone, so they are put back at the next audit, and receipts lack what was counted last.")
	say(p.Mark && v.lacks(topology.LacksMarks), "It cannot set DSCP, so the traffic of allocations is not marked there.")
	say(v.metering() && v.lacks(topology.LacksBursts), "Its meters cannot be told how long a burst they let through, so best effort may take more than is left to it for a moment.")
	say(l2 && v.meterable() && v.lacks(topology.LacksPacketRates), "It cannot limit numbers of packets, so what goes to the controller is held to 2 Mbit/s.")
	say(v.lacks(topology.LacksFailover), "It has no groups that send to the first port that is up, so where the paths of protected allocations part there the controller switches them over.")
	say(v.lacks(topology.LacksPortMasks), fmt.Sprintf("It takes no masks of ports, so an allocation for several ports has an entry for each there, and none that would need more than %d.", path.MaxExact))
	say(v.lacks(topology.LacksTags), "It cannot change VLAN tags, so it carries no allocation that leaves there for an end in another VLAN.")
	few := v.budget()
	say(p.Meter && l2 && few.shared && !few.alone && !v.named(), "It has ports with numbers above 16,777,214, so all best effort that leaves by ports with reservations is held to the least that one of them has left.")
	say(p.Meter && l2 && few.shared && !few.alone && v.named(), "It has few meters, so all best effort that leaves by ports with reservations is held to the least that one of them has left.")
	say(p.Meter && l2 && v.meterable() && few.policers == 0, "It has too few meters to enforce the rates of allocations.")
	say(sw.Unpoliced > 1, "It has too few meters for all allocations that enter there, so the rates of those that came last are not enforced there.")
	say(p.UseQueue && sw.QueuesSilent, fmt.Sprintf("It does not say what its queues send, so whether it uses queue %d for the traffic of allocations is not known.", p.Queue))
	if p.UseQueue {
		ports := unqueued(sw)
		say(len(ports) > 0, fmt.Sprintf("It sends the traffic of allocations by another queue than %d at %s, so the queue gives it no priority there.", p.Queue, portList(ports)))
	}
	say(p.Meter && l2 && !v.meterable(), "It has no meters that CONGA can use, so best effort is not held back and the rates of allocations are not enforced there.")
	return out
}

// unqueued returns the ports at which the switch does not use the queue for
// allocated traffic, ascending.
func unqueued(sw topology.Switch) (ports []openflow.PortNo) {
	for no, p := range sw.Ports {
		if p.Unqueued {
			ports = append(ports, no)
		}
	}
	slices.Sort(ports)
	return ports
}

// mostPorts is how many ports a sentence names.
const mostPorts = 8

// portList returns ports in words.
func portList(ports []openflow.PortNo) string {
	if len(ports) == 1 {
		return fmt.Sprintf("port %v", ports[0])
	}
	text := "ports "
	for i, no := range ports[:min(len(ports), mostPorts)] {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprint(no)
	}
	if more := len(ports) - mostPorts; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// mostSentences is how many reasons of refusals are told: a switch may make up
// one for each entry.
const mostSentences = 16

// Limitations returns, a sentence each, what the switch does not hold of what
// is wanted. What it refuses for the same reason is one sentence; of more than
// sixteen the first by the alphabet are told.
func (r *Reconciler) Limitations() (out []string) {
	out = append(r.meddling(), r.habits.sentences()...)
	if !r.full.IsZero() && r.now.Sub(r.full) < peace { // those that were refused may have been given up
		out = append(out, "Its flow table is full, so it does not hold all that is asked of it.")
	}
	slices.Sort(out)
	for k, no := range r.refused {
		at := r.at(k)
		if at.want == nil || !no.rule.Equal(at.want) {
			continue
		}
		if errors.Is(no.err, ErrMeddled) || ofCircuit(k) && isFull(no.err) {
			continue
		}
		sentence := fmt.Sprintf("It refuses entries of best effort: %v.", no.err)
		switch {
		case at.want.guard == watch:
			sentence = fmt.Sprintf("It refuses the entry that hears probes which bridges pass on, so a ring through a bridge is not found there: %v.", no.err)
		case at.want.guard == bar:
			sentence = fmt.Sprintf("It refuses an entry that keeps loops out, so its ports stay closed: %v.", no.err)
		case ofCircuit(k):
			sentence = fmt.Sprintf("It refuses entries of allocations: %v.", no.err)
		}
		i, said := slices.BinarySearch(out, sentence)
		if said || i == mostSentences {
			continue
		}
		if out = slices.Insert(out, i, sentence); len(out) > mostSentences {
			out = out[:mostSentences]
		}
	}
	return out
}

// Shut returns why an entry without which no port of the switch may open is
// refused; nil if none is.
func (r *Reconciler) Shut() error {
	for k, no := range r.refused {
		if at := r.at(k); at.want != nil && at.want.guard == bar && no.rule.Equal(at.want) {
			return no.err
		}
	}
	return nil
}
