// SPDX-License-Identifier: MPL-2.0

package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/shrink"
)

// DefaultTimeout bounds an attempt unless its destination says otherwise.
const DefaultTimeout = 30 * time.Second

// Advice is what an attempt says of the next one.
type Advice struct {
	Wait          time.Duration // what the destination asked for; 0 where it asked for nothing
	NeedsOperator bool          // trying again mends it only if somebody mends something else
}

// Try makes one attempt and says what became of it. A sender that panics has failed the attempt, not the server.
func Try(ctx context.Context, sender destination.Sender, m *destination.Message, now func() time.Time, log *slog.Logger) (Attempt, Advice) {
	timeout := DefaultTimeout
	if s, ok := sender.(destination.Timed); ok && s.Timeout() > 0 {
		timeout = s.Timeout()
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	start := now()
	receipt, err := send(ctx, sender, m)
	if p, ok := errors.AsType[*panicError](err); ok {
		log.Error("a sender panicked", "delivery_id", m.DeliveryID, "type", fmt.Sprintf("%T", sender), "stack", string(p.stack))
	}
	a := Attempt{
		At: start, Duration: now().Sub(start), StatusCode: receipt.StatusCode, Truncated: receipt.Truncated,
		ExternalID: receipt.ExternalID, ExternalURL: receipt.ExternalURL,
	}
	outcome, wait := destination.OutcomeOf(err)
	a.Outcome = outcome
	a.Message = messageOf(receipt.Message, err, timeout)
	return a, Advice{Wait: wait, NeedsOperator: destination.NeedsOperator(err)}
}

func send(ctx context.Context, sender destination.Sender, m *destination.Message) (r destination.Receipt, err error) {
	defer func() {
		if v := recover(); v != nil {
			r, err = destination.Receipt{}, &panicError{value: v, stack: debug.Stack()}
		}
	}()
	return shrink.Send(ctx, sender, m)
}

// panicError is a sender's bug. The value may quote anything, so only the stack is kept, for the log.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("the sender failed internally (%T)", e.value) }

// messageOf joins the error and the answer into what an attempt keeps.
func messageOf(answer string, err error, timeout time.Duration) string {
	text := answer
	if err != nil {
		text = err.Error()
		if errors.Is(err, context.DeadlineExceeded) {
			text = fmt.Sprintf("no answer within %s: %s", timeout, text)
		}
		if answer != "" {
			text += ": " + answer
		}
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) > MaxMessage {
		text = strings.ToValidUTF8(text[:MaxMessage-len("…")], "") + "…"
	}
	return text
}
