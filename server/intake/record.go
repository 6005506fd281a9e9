// SPDX-License-Identifier: MPL-2.0

package intake

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// Record is an accepted alert as it is kept: the body byte for byte as the engine sent it, and the route taken, which
// no later change of configuration rewrites.
type Record struct {
	Key        delivery.Key
	AlertID    string
	AcceptedAt time.Time
	Body       []byte // JSON
	Digest     Digest // of Body
	Route      route.Route
}

// Digest tells two bodies apart.
type Digest [16]byte

// DigestOf returns the first half of the body's SHA-256.
func DigestOf(body []byte) Digest {
	sum := sha256.Sum256(body)
	return Digest(sum[:16])
}

// Acceptance is an alert to be stored together with the deliveries it is promised to. A delivery in Claimed is stored
// as claimed by this process, which is about to try it.
type Acceptance struct {
	Record     Record
	Deliveries []delivery.Delivery
	Claimed    []bool // beside Deliveries
}

// Verdict is what became of an acceptance. With an Err, Stored has only its Key and AlertID.
type Verdict struct {
	Duplicate bool   // an alert with this id is there already, and nothing was stored
	Stored    Record // the one there already, when Duplicate
	Err       error  // the one there already cannot be read: there is no telling whether this is a repeat of it
}

// Log is what the intake asks of a store. Each method is atomic and durable when it returns nil.
type Log interface {
	// Accept stores the alerts and their deliveries, all in one transaction, and returns a verdict for each. An alert
	// whose AlertID is there already, also from earlier in the same call, is a Duplicate: comparing what the two say
	// is the caller's business. One that can no longer be read is a verdict with an Err, and harms no other. An error
	// means that nothing was stored. The deliveries must not change afterwards; the bodies may.
	Accept(ctx context.Context, batch []Acceptance) ([]Verdict, error)

	// Dispatch adds deliveries to a stored alert. add gets the alert and the number its next delivery has, and may run
	// more than once; its error is returned as it is. An unknown alert is problem.NotFound.
	Dispatch(ctx context.Context, alertID string, add func(r Record, next uint16) (Dispatch, error)) error

	// Alert returns a stored alert with all its deliveries by number, or problem.NotFound.
	Alert(ctx context.Context, alertID string) (Record, []delivery.Delivery, error)

	// Alerts returns stored alerts, newest first, at most limit, starting after cursor ("" is the beginning), and the
	// cursor to go on from, "" when there is no more. Both page ends are stable while alerts are added. A page may be
	// short, even empty, and have a cursor all the same, when the filter picks few of many. Newest is by Key, whose
	// time is AcceptedAt. A page is also short when its records have many bytes, about 8 MiB. A body that can no longer
	// be read gives an Alert with nothing but its ID; a record that cannot is left out.
	Alerts(ctx context.Context, f Filter, cursor string, limit int) ([]Listed, string, error)
}

// Dispatch is deliveries to add to a stored alert, with Claimed beside them as in [Acceptance].
type Dispatch struct {
	Deliveries []delivery.Delivery
	Claimed    []bool
}

// Listed is an alert with its deliveries, as lists show it. The Record has no Body: a page of them could be large.
type Listed struct {
	Record     Record
	Alert      *alert.Alert
	Deliveries []delivery.Delivery
}

// Filter picks alerts. Empty members pick all. Since is inclusive and Until exclusive, both of AcceptedAt.
// Severities are the routed ones. DestinationID and States pick alerts with a delivery that has both.
type Filter struct {
	Since, Until  time.Time
	Severities    []alert.Severity
	Types         []alert.Type
	DetectionID   string
	Scenarios     []route.Scenario
	DestinationID string
	States        []delivery.State
}
