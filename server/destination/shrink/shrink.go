// SPDX-License-Identifier: MPL-2.0

// Package shrink makes attempts at bringing a message to a destination, and where it is refused as too large, sends a part
// of it at once: much of an alert, and word that it is not all, rather than none.
//
// It remembers nothing. Whoever takes only smaller messages refuses each large one before it gets a smaller one.
package shrink

import (
	"context"
	"errors"
	"fmt"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/payload"
)

// A part is a quarter of what was refused or, where that makes no message of half the size, less; and no more than maxPart.
// That is less than what servers take unless they were told otherwise, such as nginx with 1 MB
// (https://nginx.org/en/docs/http/ngx_http_core_module.html#client_max_body_size) or Express with 100 kB
// (https://expressjs.com/en/api.html#express.json), and far more than most alerts have.
const (
	share   = 4
	maxPart = 64 << 10
)

// Send makes an attempt within the time that ctx leaves, of one message or two. Of two the second says that it is cut, and
// so do the receipt and the error: the first was refused, so nobody has it.
func Send(ctx context.Context, sender destination.Sender, m *destination.Message) (destination.Receipt, error) {
	receipt, err := sender.Send(ctx, m)
	limit, tooLarge := destination.IsTooLarge(err)
	if !tooLarge || receipt.ExternalID != "" { // where something was made, that is not what was refused
		return receipt, err
	}
	small, sizes, why := smaller(sender, m, limit)
	if why != nil {
		return receipt, fmt.Errorf("%w (%w)", err, why)
	}
	small.Looked = true
	receipt, err = sender.Send(ctx, small)
	receipt.Truncated = true
	if _, again := destination.IsTooLarge(err); again {
		return receipt, fmt.Errorf("the destination takes neither all of the alert, %s: raise its limit, or send it smaller alerts: %w", sizes.neither(), err)
	}
	if err != nil {
		return receipt, fmt.Errorf("%s: %w", sizes, err)
	}
	receipt.Message = sizes.String() + ": " + receipt.Message
	return receipt, nil
}

// Possible reports whether [Send] has a smaller message to send where sender refuses m as too large and names no limit. A
// part is not cut again.
func Possible(sender destination.Sender, m *destination.Message) bool {
	if m.Cut != nil {
		return false
	}
	_, _, err := smaller(sender, m, 0)
	return err == nil
}

// sizes are those of a message and of its part, as they are rendered, which is about how they are sent.
type sizes struct{ whole, part int }

func (s sizes) String() string {
	return fmt.Sprintf("refused as too large, about %s, and sent again, cut to %s", size(s.whole), size(s.part))
}

func (s sizes) neither() string {
	return fmt.Sprintf("about %s, nor what it was cut to, %s", size(s.whole), size(s.part))
}

func size(bytes int) string {
	if bytes < 1000 { // in kilobytes, what is refused and its part would look the same
		return fmt.Sprintf("%d bytes", bytes)
	}
	return fmt.Sprintf("%d kB", (bytes+500)/1000)
}

// smaller returns a message that is smaller as sender renders it. limit is that of the destination, where it has named one.
func smaller(sender destination.Sender, m *destination.Message, limit int) (*destination.Message, sizes, error) {
	rendered, err := sender.Render(m)
	if err != nil {
		return nil, sizes{}, err
	}
	whole := len(rendered.Body)
	named, enough := limit > 0 && limit < whole, min(whole/2, maxPart)
	for part := min(whole, payload.Size(m)) / share; ; part /= 2 { // what people read can be longer than what it is made of
		part = min(part, maxPart)
		if !named {
			limit = part
		}
		small := payload.Shrink(m, part, limit)
		if rendered, err = sender.Render(small); err != nil {
			return nil, sizes{}, fmt.Errorf("of a part of the alert: %w", err)
		}
		switch n := len(rendered.Body); {
		case n <= enough, n < whole && (named || part <= payload.MinPart):
			return small, sizes{whole: whole, part: n}, nil
		case part <= payload.MinPart:
			return nil, sizes{}, errors.New("there is nothing in this alert to leave out")
		}
	}
}
