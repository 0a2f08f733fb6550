package httpapi

import (
	"net/netip"
	"strconv"

	"github.com/google/uuid"

	"conga/httpapi/connections"
	"conga/httpapi/rest"
)

// An endView is one end of a connection, as the Covalence document shows it:
// the port is a string.
type endView struct {
	IP   string `json:"ip"`
	Port string `json:"port"`
}

// A sourceView is the end on the host that reported. Numbers that were not
// reported are null.
type sourceView struct {
	endView
	Deployment  string `json:"deployment"`
	Job         string `json:"job"`
	Index       *int64 `json:"index"`
	User        string `json:"user"`
	Group       string `json:"group"`
	PID         *int64 `json:"pid"`
	ProcessName string `json:"process_name"`
	Age         *int64 `json:"age"` // at the last report
}

// A bodyView is a connection as it was reported.
type bodyView struct {
	Protocol    string     `json:"protocol,omitempty"` // left out where the reporter did
	Source      sourceView `json:"source"`
	Destination endView    `json:"destination"`
}

// A reportedView is an element of GET /connections.
type reportedView struct {
	ID         uuid.UUID `json:"connection_uuid"`
	Connection bodyView  `json:"connection"`
}

// A connectionView is a connection below /api.
type connectionView struct {
	reportedView
	ProjectID string     `json:"project_id"`
	FirstSeen int64      `json:"first_seen"`
	LastSeen  int64      `json:"last_seen"`
	Links     rest.Links `json:"_links"`
}

// A namedView is an element of the answer to a report below /api.
type namedView struct {
	ID    uuid.UUID  `json:"connection_uuid"`
	Links rest.Links `json:"_links"`
}

func viewReported(c *connections.Connection) reportedView {
	s := c.Source
	return reportedView{c.ID, bodyView{
		Protocol: c.Protocol,
		Source: sourceView{
			endView: viewEnd(s.Addr), Deployment: s.Deployment, Job: s.Job, Index: known(s.Index),
			User: s.User, Group: s.Group, PID: known(s.PID), ProcessName: s.ProcessName, Age: known(s.Age),
		},
		Destination: viewEnd(c.Destination),
	}}
}

func viewConnection(x *exchange, c *connections.Connection) connectionView {
	return connectionView{
		reportedView: viewReported(c), ProjectID: c.Project, FirstSeen: c.FirstSeen, LastSeen: c.LastSeen,
		Links: connectionLinks(x, c.ID),
	}
}

func connectionLinks(x *exchange, id uuid.UUID) rest.Links {
	return rest.SelfLinks(x.path("connections", id.String()))
}

func viewEnd(a netip.AddrPort) endView {
	return endView{IP: a.Addr().String(), Port: strconv.Itoa(int(a.Port()))}
}

func known(n int64) *int64 {
	if n == connections.None {
		return nil
	}
	return &n
}
