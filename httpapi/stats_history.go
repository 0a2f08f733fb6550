package httpapi

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"conga/controller/topology"
	"conga/httpapi/rest"
	"conga/stats"
)

// layerCounted is which part of a packet the numbers of a history count.
const layerCounted = "Ethernet frames without preamble and checksum, as the switches count them"

// Units of a history.
const (
	bitsPerSecond    = "bit/s"
	packetsPerSecond = "packets/s"
)

// typeCSV is the media type of a history as a table (RFC 4180).
const typeCSV = "text/csv; charset=utf-8; header=present"

// A levelsView is how fast something went over each step; null is a gap.
type levelsView struct {
	Mean []*float64 `json:"mean"`
	Max  []*float64 `json:"max"` // the highest mean from one sample to the next
}

func viewLevels(levels []stats.Level) levelsView {
	v := levelsView{make([]*float64, len(levels)), make([]*float64, len(levels))}
	for i, l := range levels {
		if l.Known > 0 {
			v.Mean[i], v.Max[i] = new(round(l.Mean)), new(round(l.Max))
		}
	}
	return v
}

// A historyView is what all histories have.
type historyView struct {
	Window int64          `json:"window"` // seconds
	Step   int64          `json:"step"`
	Layer  string         `json:"layer"`
	Times  []int64        `json:"times"` // at which the steps begin; UNIX seconds
	Links  rest.Relations `json:"_links"`
}

// A historyQuery is what was asked for.
type historyQuery struct {
	stats.Steps
	csv bool
}

// historyOf reads window, step and format.
func (a *api) historyOf(x *exchange) (q historyQuery, err error) {
	p, err := x.parameters("window", "step", "format")
	if err != nil {
		return q, err
	}
	window := spanOf(p, "window", time.Hour)
	step := spanOf(p, "step", usualStep(window))
	switch {
	case window == 0 || step == 0: // that is said
	case step < time.Minute && window > 15*time.Minute:
		p.Reject("step", "steps of less than 1m are kept for 15m; ask for a window of 15m at most, or a step of 1m")
	case step%time.Hour != 0 && window > 24*time.Hour:
		p.Reject("step", "steps of other than whole hours are kept for 24h; ask for a window of 24h at most, or a step of 1h")
	case step > time.Minute && step%time.Minute != 0:
		p.Reject("step", "must be whole minutes, or less than one")
	case step > window:
		p.Reject("step", "is longer than the window")
	case window/step > 2160:
		p.Reject("step", "makes more than 2160 steps of the window; ask for longer ones")
	}
	switch format := p.Text("format"); format {
	case "", "json":
		q.csv = format == "" && rest.Accepts(x.Request.Header, "text/csv")
	case "csv":
		q.csv = true
	default:
		p.Reject("format", rest.Quote(format)+" is none; it must be json or csv")
	}
	if err := p.Done(); err != nil {
		return q, err
	}
	q.Step, q.Count = step, int((window+step-1)/step)
	end := (a.Now().Unix()/int64(step.Seconds()) + 1) * int64(step.Seconds())
	q.From = time.Unix(end, 0).Add(-step * time.Duration(q.Count))
	return q, nil
}

// usualStep returns the finest step that is kept for a window.
func usualStep(window time.Duration) time.Duration {
	switch {
	case window <= 15*time.Minute:
		return time.Second
	case window <= 24*time.Hour:
		return time.Minute
	}
	return time.Hour
}

// spanOf returns a parameter that is a length of time in whole seconds, as 90,
// 90s, 15m, 24h or 90d.
func spanOf(p *rest.Parameters, name string, absent time.Duration) time.Duration {
	return spanWithin(p, name, absent, 90*24*time.Hour)
}

// spanWithin returns what spanOf does, of at most so many days.
func spanWithin(p *rest.Parameters, name string, absent, most time.Duration) time.Duration {
	text, ok := p.Lookup(name)
	if !ok {
		return absent
	}
	unit, digits := time.Second, text
	for suffix, of := range map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour} {
		if number, is := strings.CutSuffix(text, suffix); is {
			unit, digits = of, number
		}
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || n == 0 || n > uint64(most/unit) {
		p.Reject(name, rest.Quote(text)+fmt.Sprintf(" is not from 1s to %[1]dd; write 15m, 24h or %[1]dd, or a number of seconds", most/(24*time.Hour)))
		return 0
	}
	return time.Duration(n) * unit
}

// view returns what all histories have, of the one at an address.
func (q historyQuery) view(self string, links ...string) historyView {
	v := historyView{
		Window: int64(q.Step.Seconds()) * int64(q.Count), Step: int64(q.Step.Seconds()), Layer: layerCounted,
		Times: make([]int64, q.Count), Links: rest.Relate(links...),
	}
	v.Links["self"] = rest.LinkTo(rest.WithQuery(self, "window", strconv.FormatInt(v.Window, 10), "step", strconv.FormatInt(v.Step, 10)))
	for i := range v.Times {
		v.Times[i] = q.From.Unix() + int64(i)*v.Step
	}
	return v
}

// A column is a part of a history as a table.
type column struct {
	name   string // with its unit
	levels levelsView
}

// answerHistory sends a history, as JSON or as a table. The table has a row a
// step; what is not known is empty. It has nothing in it that people have
// named, so that no program takes a name for a formula.
func (x *exchange) answerHistory(q historyQuery, v historyView, results any, columns ...column) error {
	if !q.csv {
		return x.succeed(http.StatusOK, results)
	}
	var text strings.Builder
	w := csv.NewWriter(&text)
	w.UseCRLF = true
	row := []string{"time", "unix_time"}
	for _, c := range columns {
		row = append(row, c.name+" mean", c.name+" max")
	}
	_ = w.Write(row) // a strings.Builder takes everything
	cell := func(f *float64) string {
		if f == nil {
			return ""
		}
		return strconv.FormatFloat(*f, 'f', -1, 64)
	}
	for i, at := range v.Times {
		row = append(row[:0], time.Unix(at, 0).UTC().Format(time.RFC3339), strconv.FormatInt(at, 10))
		for _, c := range columns {
			row = append(row, cell(c.levels.Mean[i]), cell(c.levels.Max[i]))
		}
		_ = w.Write(row)
	}
	w.Flush()
	x.Header("Content-Disposition", `attachment; filename="history.csv"`)
	rest.Write(x.Context, http.StatusOK, typeCSV, []byte(text.String()))
	return nil
}

// An allocationHistory is how fast an allocation went.
type allocationHistory struct {
	ID        string           `json:"allocation_id"`
	ProjectID string           `json:"project_id"`
	Unit      string           `json:"unit"`
	Forward   directionHistory `json:"forward"`
	Reverse   directionHistory `json:"reverse"`
	historyView
}

type directionHistory struct {
	Promised  levelsView `json:"promised"`
	Entered   levelsView `json:"entered"`
	Delivered levelsView `json:"delivered"`
	Dropped   levelsView `json:"dropped"`
}

func viewDirectionHistory(h stats.DirectionHistory) directionHistory {
	return directionHistory{viewLevels(h.Promised), viewLevels(h.Entered), viewLevels(h.Delivered), viewLevels(h.Dropped)}
}

// columns returns the direction as parts of a table.
func (d directionHistory) columns(name string) []column {
	return []column{
		{name + " promised bit/s", d.Promised}, {name + " entered bit/s", d.Entered},
		{name + " delivered bit/s", d.Delivered}, {name + " dropped bit/s", d.Dropped},
	}
}

// showAllocationHistory serves GET and HEAD /stats/allocations/{id}/history.
func (a *api) showAllocationHistory(x *exchange) error {
	q, err := a.historyOf(x)
	if err != nil {
		return err
	}
	al, err := a.find(x)
	if err != nil {
		return err
	}
	h := a.Statistics.AllocationHistory(al.ID, q.Steps)
	list := x.path("stats", "allocations", al.ID)
	v := allocationHistory{
		ID: al.ID, ProjectID: al.ProjectID, Unit: bitsPerSecond, Forward: viewDirectionHistory(h.Forward), Reverse: viewDirectionHistory(h.Reverse),
		historyView: q.view(list+"/history", "statistics", list, "allocation", x.path("allocations", al.ID)),
	}
	return x.answerHistory(q, v.historyView, []allocationHistory{v}, append(v.Forward.columns("forward"), v.Reverse.columns("reverse")...)...)
}

// A portHistory is how fast a port went.
type portHistory struct {
	DPID         string     `json:"dpid"`
	Port         uint32     `json:"port"`
	Name         *string    `json:"name"` // null: not a port of the network now
	Unit         string     `json:"unit"`
	DroppedUnit  string     `json:"dropped_unit"`
	Received     levelsView `json:"received"`
	Sent         levelsView `json:"sent"`
	ReceivedLost levelsView `json:"received_dropped"`
	SentLost     levelsView `json:"sent_dropped"`
	historyView
}

// showPortHistory serves GET and HEAD
// /stats/switches/{dpid}/ports/{port}/history.
func (a *api) showPortHistory(x *exchange) error {
	q, err := a.historyOf(x)
	if err != nil {
		return err
	}
	_, sw, err := a.findSwitch(x)
	if err != nil {
		return err
	}
	at, err := topology.ParsePortID(sw.DPID.String() + ":" + x.Param("port"))
	if err != nil || at.Port == 0 {
		return rest.NewFault(http.StatusNotFound, "port: "+rest.Quote(x.Param("port"))+" is no number of a port")
	}
	h := a.Statistics.PortHistory(at, q.Steps)
	list := x.path("stats", "switches", sw.DPID.String())
	no := strconv.FormatUint(uint64(at.Port), 10)
	v := portHistory{
		DPID: sw.DPID.String(), Port: uint32(at.Port), Name: orNull(sw.Ports[at.Port].Name), Unit: bitsPerSecond, DroppedUnit: packetsPerSecond,
		Received: viewLevels(h.Received), Sent: viewLevels(h.Sent), ReceivedLost: viewLevels(h.ReceiveDropped), SentLost: viewLevels(h.SendDropped),
		historyView: q.view(historyOfPort(list, uint32(at.Port)), "statistics", rest.WithQuery(list+"/ports", "port", no)),
	}
	return x.answerHistory(q, v.historyView, []portHistory{v}, column{"received bit/s", v.Received}, column{"sent bit/s", v.Sent},
		column{"received dropped packets/s", v.ReceivedLost}, column{"sent dropped packets/s", v.SentLost})
}

// A linkHistory is how fast a directed link went.
type linkHistory struct {
	ID   string      `json:"link_id"`
	From *portIDView `json:"from"` // null: outside
	To   *portIDView `json:"to"`
	Unit string      `json:"unit"`
	Rate levelsView  `json:"rate"`
	historyView
}

// showLinkHistory serves GET and HEAD /stats/links/{from}/{to}/history. The
// link need not be there now.
func (a *api) showLinkHistory(x *exchange) error {
	q, err := a.historyOf(x)
	if err != nil {
		return err
	}
	id, err := a.linkInPath(x)
	if err != nil {
		return err
	}
	v := linkHistory{
		ID: id.String(), From: viewPortID(id.From), To: viewPortID(id.To), Unit: bitsPerSecond, Rate: viewLevels(a.Statistics.LinkHistory(id, q.Steps)),
		historyView: q.view(historyOfLink(x, id),
			"statistics", rest.WithQuery(x.path("stats", "links"), "from", id.From.String(), "to", id.To.String(), "kind", "all")),
	}
	return x.answerHistory(q, v.historyView, []linkHistory{v}, column{"rate bit/s", v.Rate})
}

// historyOfPort returns the address of a port's history, of a switch whose
// statistics are at list.
func historyOfPort(list string, port uint32) string {
	return list + "/ports/" + strconv.FormatUint(uint64(port), 10) + "/history"
}

// historyOfLink returns the address of a link's history.
func historyOfLink(x *exchange, id topology.LinkID) string {
	return x.path("stats", "links") + "/" + id.From.String() + "/" + id.To.String() + "/history"
}
