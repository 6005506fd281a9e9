// SPDX-License-Identifier: MPL-2.0

package destination

import (
	"context"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

// Sender makes one attempt at bringing a message to a destination. It tries once; trying again belongs to delivery.
// It is safe for concurrent use and does not keep or change the message.
type Sender interface {
	// Render says what Send would bring to the destination, without any I/O.
	Render(m *Message) (Rendering, error)

	// Send returns nil when the destination accepted the message. Otherwise the error says what should happen next:
	// [Permanent] is never retried, [RetryAfter] waits as told, [Ambiguous] may have arrived, [TooLarge] is sent once more
	// with less of the alert, anything else follows the schedule. The receipt holds what the destination answered, also beside an error.
	Send(ctx context.Context, m *Message) (Receipt, error)
}

// Rendering is what an alert becomes for a destination.
type Rendering struct {
	// Body is JSON: what the vendor is sent; of what is not JSON, the parts by name, such as the subject, text and html of a
	// mail. It is the same whatever the secrets of the config are: what is sent with one gets it on sending.
	Body      []byte
	Truncated bool     // a text was cut to fit the vendor's limits
	Notes     []string // what the message itself says about its making: a template that failed, a fallback
}

// Timed is implemented by a sender whose config may say how long an attempt takes. The server gives the context of an
// attempt that deadline in place of its own setting; 0 leaves the setting.
type Timed interface{ Timeout() time.Duration }

// Env is what the server lends a sender.
type Env struct {
	HTTP *outbound.Client
	Now  func() time.Time
}

// Message is an alert on its way to one destination: what a sender renders.
type Message struct {
	Alert      *alert.Alert   // all of it, unless Cut is set
	AlertID    string         // the router's name for the alert; also where Alert.ID is empty
	Severity   alert.Severity // the effective one
	CreatedAt  time.Time      // when the alert was made; when it was accepted, if the engine did not say
	Link       string         // where a person reads more; may be empty
	DeliveryID string         // the same on every attempt at this delivery: what idempotency keys are derived from
	Attempt    int            // 1 for the first
	Again      bool           // an earlier attempt may have reached the destination
	Looked     bool           // this attempt has looked for what that one made: see [Message.MustLook]
	Promised   time.Time      // when the delivery was made; zero where none is stored
	Tried      time.Time      // when the last attempt that may have reached it ended, or at the latest may have; zero where that is not known
	Test       bool           // a person tries the destination out; the rendering says so clearly
	FallbackOf string         // display name of the destination that failed, when this one stands in for it
	Cut        *Cut           // why Alert is not all of it; mostly nil
}

// Cut says of a message that the destination refused the alert as too large, and that this is a part of it. See package
// shrink.
type Cut struct {
	Whole     *alert.Alert
	Left, All int // how large the part and the whole are, in bytes of the JSON that programs get
	Limit     int // how large the JSON for a program may be, in bytes
}

// Whole returns the alert as it was accepted.
func (m *Message) Whole() *alert.Alert {
	if m.Cut == nil {
		return m.Alert
	}
	return m.Cut.Whole
}

// Within returns a limit of bytes on the JSON for a program, 0 being none; a lower one where a larger message was refused.
func (m *Message) Within(limit int) int {
	if m.Cut == nil || limit > 0 && limit < m.Cut.Limit {
		return limit
	}
	return m.Cut.Limit
}

// DedupKey returns the key under which vendors fold repeats of one alert together: the same for every attempt and
// every repeat, different for different alerts.
func (m *Message) DedupKey() string { return m.AlertID }

// Receipt is what a destination answered.
type Receipt struct {
	StatusCode  int    // the HTTP status, or 0 where there is none
	Message     string // the beginning of the answer, redacted
	ExternalID  string // ticket key, message id
	ExternalURL string
	Truncated   bool // something was cut: to fit the vendor's limits, or because the destination refused the whole
}
