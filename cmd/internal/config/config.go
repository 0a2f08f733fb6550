package config

import (
	"time"

	"conga/allocator"
	"conga/httpapi/auth"
	"conga/httpapi/connections"
	"conga/stats/history/disk"
)

// A Config is a complete, validated configuration. Its YAML names are the keys
// of the file.
type Config struct {
	Data        string      `yaml:"data"` // directory of the store, the key pair and the admin key
	API         API         `yaml:"api"`
	OpenFlow    OpenFlow    `yaml:"openflow"`
	Network     Network     `yaml:"network"`
	Directory   Directory   `yaml:"directory"`
	Allocations Allocations `yaml:"allocations"`
	Connections Connections `yaml:"connections"`
	Store       Store       `yaml:"store"`
	Stats       Stats       `yaml:"stats"`
	Webhooks    Webhooks    `yaml:"webhooks"`
	Log         Log         `yaml:"log"`
	Debug       Debug       `yaml:"debug"`
}

// API says where and how users reach the daemon.
type API struct {
	Listen    string    `yaml:"listen"` // host:port
	TLS       KeyPair   `yaml:"tls"`    // empty: a self-signed pair in the data directory
	Plaintext Plaintext `yaml:"plaintext"`
	URL       string    `yaml:"url"` // where users reach a proxy in front; "": at the host of their request
	// TrustedProxies are the addresses of proxies whose X-Forwarded-For is
	// believed.
	TrustedProxies []Prefix `yaml:"trusted_proxies"`

	MaxConnections int `yaml:"max_connections"`             // open at one time
	MaxPerAddress  int `yaml:"max_connections_per_address"` // of these, from one IPv4 address or IPv6 /64

	LameDuck Interval `yaml:"lame_duck"` // for which the daemon says that it is not ready before it stops
}

// A KeyPair names the PEM files of a certificate and its key.
type KeyPair struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// OpenFlow says where and how switches reach the daemon.
type OpenFlow struct {
	Listen string    `yaml:"listen"` // host:port
	TLS    SwitchTLS `yaml:"tls"`    // empty: plain TCP
	Role   string    `yaml:"role"`   // master or equal: what congad asks to be to switches
	Settle *Interval `yaml:"settle"` // after which packets follow what a switch has confirmed; nil: reckoned

	Switches Switches `yaml:"switches"`
}

// Switches says which switches may connect.
type Switches struct {
	Allow string   `yaml:"allow"` // any or listed
	List  []Switch `yaml:"list"`
}

// A Switch says by what a switch is known.
type Switch struct {
	DPID        DPID    `yaml:"dpid"`
	Address     *Prefix `yaml:"address"`     // from which it connects; nil: any
	Certificate string  `yaml:"certificate"` // common name or SHA-256 fingerprint; "": any
}

// SwitchTLS is the key pair shown to switches, and the authority that must have
// signed theirs; without one switches need no certificate.
type SwitchTLS struct {
	Cert     string `yaml:"cert"`
	Key      string `yaml:"key"`
	ClientCA string `yaml:"client_ca"`
}

// Network is what the operator knows of the network and wants of it.
type Network struct {
	Forwarding      string       `yaml:"forwarding"`       // l2, normal or none
	DefaultCapacity Rate         `yaml:"default_capacity"` // of ports that do not tell their speed
	Reservable      float64      `yaml:"reservable"`       // share of a link that allocations may hold, in (0, 1]
	Links           []Link       `yaml:"links"`
	Discovery       Discovery    `yaml:"discovery"`
	Ports           []NamedPort  `yaml:"ports"`
	Attachments     []Attachment `yaml:"attachments"`
	Hosts           []Host       `yaml:"hosts"`
	Positions       Positions    `yaml:"positions"`
	Learning        Learning     `yaml:"learning"`
	FrameSize       FrameSize    `yaml:"frame_size"`
	Priority        Priority     `yaml:"priority"`
}

// A Link overrides what is known of a cable, in both directions.
type Link struct {
	A        Port     `yaml:"a"`
	B        Port     `yaml:"b"`
	Capacity Rate     `yaml:"capacity"` // 0: as the ports tell
	Metric   uint32   `yaml:"metric"`   // 0: 1
	Latency  Duration `yaml:"latency"`  // one way; 0: not known
	Static   bool     `yaml:"static"`   // a link though no probe passes
}

// Discovery says how links are found.
type Discovery struct {
	LLDP   bool `yaml:"lldp"`   // by probes that end at the next bridge
	BDDP   bool `yaml:"bddp"`   // by probes that bridges pass on, so that rings through them are found
	Strict bool `yaml:"strict"` // no links but those of the file
}

// A NamedPort is a port of which the operator knows the role.
type NamedPort struct {
	At   Port   `yaml:"at"`
	Role string `yaml:"role"` // edge
}

// An Attachment says that a prefix is behind an edge port.
type Attachment struct {
	Prefix Prefix `yaml:"prefix"`
	At     Port   `yaml:"at"`
	VLAN   *int   `yaml:"vlan"` // of the frames there; 0: they have no tag; nil: it does not say
}

// A Host is bound: it has these addresses, which no other host can have, and is
// behind this port.
type Host struct {
	MAC       Address  `yaml:"mac"` // never a prefix in a valid configuration
	Addresses []Prefix `yaml:"addresses"`
	At        Port     `yaml:"at"` // none: wherever it is seen
}

// Positions may be written as a list, or as a mapping of datapath IDs to [x, y]
// or to latitude and longitude.
type Positions []Position

// A Position says where a switch is drawn: at x and y, or on the earth.
type Position struct {
	DPID      DPID     `yaml:"dpid"`
	X         *float64 `yaml:"x"`         // to the right, in any unit
	Y         *float64 `yaml:"y"`         // down, in the same
	Latitude  *float64 `yaml:"latitude"`  // degrees north
	Longitude *float64 `yaml:"longitude"` // degrees east
}

// Learning bounds what is learned of hosts.
type Learning struct {
	Hosts            int      `yaml:"hosts"` // of all ports
	HostsPerPort     int      `yaml:"hosts_per_port"`
	AddressesPerHost int      `yaml:"addresses_per_host"`
	Silence          Duration `yaml:"silence"` // what did not speak for this long makes room for another
}

// FrameSize says what frames take of a link, in bytes.
type FrameSize struct {
	Overhead    int `yaml:"overhead"`    // of each frame on the wire, beside what meters count; 0: nothing
	Allocations int `yaml:"allocations"` // mean size of allocated frames
	BestEffort  int `yaml:"best_effort"` // of other frames; 0: learned
}

// Priority says how a path is made a priority path.
type Priority struct {
	Meter bool    `yaml:"meter"` // best effort is metered down to what is not reserved
	DSCP  *uint8  `yaml:"dscp"`  // code point set on allocated traffic; nil: left alone
	Queue *uint32 `yaml:"queue"` // queue of allocated traffic; nil: none

	MeterBurst    *Interval `yaml:"meter_burst"`    // of best effort, in all switches; nil: as long as each needs
	RequireMeters bool      `yaml:"require_meters"` // no rate is promised where a switch does not enforce it
}

// Directory says which users may ask for keys.
type Directory struct {
	Projects          []Project `yaml:"projects"`
	Users             []User    `yaml:"users"`
	AllowPasswordless bool      `yaml:"allow_passwordless"` // membership alone suffices
	HTTP              string    `yaml:"http"`               // URL of a directory asked for membership, with {user} and {project}
	OIDC              OIDC      `yaml:"oidc"`
	Consent           string    `yaml:"consent"` // whose addresses a request needs: either or both, which source is another word for
}

// A Project is a grant and the limits of its allocations; nil means no limit,
// and 0 that there may be none.
type Project struct {
	ID           string    `yaml:"id"`
	Members      []string  `yaml:"members"`
	Managers     []string  `yaml:"managers"`        // members who may change and release what others have asked for
	AllRelease   bool      `yaml:"members_release"` // as every member may
	Addresses    []Address `yaml:"addresses"`       // its own, for which no other project may reserve paths
	MaxBandwidth *Rate     `yaml:"max_bandwidth"`
	MaxActive    *int      `yaml:"max_active"`
	MaxPending   *int      `yaml:"max_pending"`  // that wait for their start, or for a path
	MaxDuration  *Interval `yaml:"max_duration"` // of one allocation
	Horizon      *Interval `yaml:"horizon"`      // how far ahead one may start
	IdleReclaim  *Idle     `yaml:"idle_reclaim"` // when an allocation is released because it is not used; nil: never
	Weight       *int      `yaml:"weight"`       // of its scavengers together, against those of other projects; nil: 1
	RunAhead     *Interval `yaml:"run_ahead"`    // for which conga run reserves a path without being told how long; 0: for its lease at a time; nil: for a day
}

// An Idle says when an allocation is not used.
type Idle struct {
	Below float64  `yaml:"below"` // share of its rate, in (0, 1)
	For   Interval `yaml:"for"`   // how long it may carry less than that
}

// A User is a person, or a group that shares a name.
type User struct {
	ID       string `yaml:"id"`
	Password Secret `yaml:"password"` // argon2id in the PHC form; `congad passwd` prints one
	Subject  string `yaml:"subject"`  // of the OIDC tokens that stand for the user; "": the first subject to come
}

// OIDC is an OpenID Connect provider whose tokens identify users.
type OIDC struct {
	Issuer       string `yaml:"issuer"`
	ClientID     string `yaml:"client_id"`
	ClientSecret Secret `yaml:"client_secret"` // "": a public client, which PKCE alone protects
	UserClaim    string `yaml:"user_claim"`
}

// Store says which engine keeps the durable state.
type Store struct {
	Engine string `yaml:"engine"` // bolt or etcd
	Etcd   Etcd   `yaml:"etcd"`
}

// Etcd is a cluster that several controllers share.
type Etcd struct {
	Endpoints []string `yaml:"endpoints"`
	TLS       EtcdTLS  `yaml:"tls"`
}

// EtcdTLS names the PEM files for the connection to etcd.
type EtcdTLS struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
	CA   string `yaml:"ca"`
}

// Stats says how often the switches' counters are read.
type Stats struct {
	Interval Interval     `yaml:"interval"` // between two readings of a switch's counters
	History  StatsHistory `yaml:"history"`
}

// StatsHistory says how much is kept of how fast things went.
type StatsHistory struct {
	Tracks int `yaml:"tracks"` // at most: one a port and two an allocation
}

// Webhooks says where events may be delivered.
type Webhooks struct {
	AllowPrivate bool `yaml:"allow_private"` // also to private addresses, and over plain HTTP
}

// Log says how and what the daemon logs.
type Log struct {
	Format string `yaml:"format"` // text or json
	Level  string `yaml:"level"`  // debug, info, warn or error
}

// Debug says where the daemon shows its own doings.
type Debug struct {
	Listen string `yaml:"listen"` // host:port, a loopback address; "": nowhere
}

// Default returns the configuration of an empty file.
func Default() Config {
	dscp := uint8(46) // expedited forwarding
	return Config{
		Data:     "./conga-data",
		API:      API{Listen: "127.0.0.1:8443", MaxConnections: 4096, MaxPerAddress: 256},
		OpenFlow: OpenFlow{Listen: "0.0.0.0:6653", Role: "master", Switches: Switches{Allow: "any"}},
		Network: Network{
			Forwarding:      "l2",
			DefaultCapacity: 10_000_000_000,
			Reservable:      0.8,
			Learning:        Learning{Hosts: 65536, HostsPerPort: 1024, AddressesPerHost: 64, Silence: Duration(10 * time.Minute)},
			Discovery:       Discovery{LLDP: true, BDDP: true},
			FrameSize:       FrameSize{Overhead: 24, Allocations: 512},
			Priority:        Priority{Meter: true, DSCP: &dscp},
		},
		Directory:   Directory{OIDC: OIDC{UserClaim: "sub"}, Consent: string(auth.ConsentEither)},
		Allocations: Allocations{MinBandwidth: 100_000, History: Days(allocator.DefaultHistory), Occurrences: allocator.DefaultOccurrences, ScavengerGrace: Interval(allocator.DefaultScavengerGrace)},
		Connections: Connections{
			Keep:       Duration(connections.DefaultKeep),
			PerProject: connections.DefaultPerProject,
			Total:      connections.DefaultTotal,
		},
		Store: Store{Engine: "bolt"},
		Stats: Stats{Interval: Interval(5 * time.Second), History: StatsHistory{Tracks: disk.DefaultTracks}},
		Log:   Log{Format: "text", Level: "info"},
	}
}
