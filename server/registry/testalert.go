// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// TestAlert says how to try a destination out. Empty members take INFO and RULE; an empty Key sends always.
type TestAlert struct {
	Severity alert.Severity
	Type     alert.Type
	Key      string // the same key for the same destination sends once
}

// failedTestLife is how long a failed outcome is returned instead of trying again.
const failedTestLife = 60 * time.Second

// Test sends a test alert to a stored destination, also to a disabled one. cached says that nothing was sent: the
// outcome is that of an earlier call with the same key, or of one at the same time.
func (r *Registry) Test(ctx context.Context, id string, t TestAlert) (o TestOutcome, cached bool, err error) {
	d, ok := r.Snapshot().Destination(id)
	if !ok {
		return TestOutcome{}, false, NoDestination(id)
	}
	// A change of the destination makes every key new: what it said of the one before says nothing of this one.
	return r.test(ctx, fmt.Sprintf("%s/%d", id, d.Revision), t, func() (destination.Sender, error) { return r.open(d) })
}

// TestDraft does the same for a destination that is not stored.
func (r *Registry) TestDraft(ctx context.Context, draft Draft, t TestAlert) (o TestOutcome, cached bool, err error) {
	d, err := r.prepare(newID(), draft, nil)
	if err != nil {
		return TestOutcome{}, false, err
	}
	written, err := json.Marshal(draft)
	if err != nil {
		return TestOutcome{}, false, fmt.Errorf("encode the destination to test: %w", err)
	}
	scope := "unsaved/" + r.sealer.Fingerprint("unsaved", written)
	return r.test(ctx, scope, t, func() (destination.Sender, error) { return r.open(d) })
}

func (r *Registry) test(ctx context.Context, scope string, t TestAlert, open func() (destination.Sender, error)) (TestOutcome, bool, error) {
	sender, err := open()
	if err != nil {
		return TestOutcome{}, false, fmt.Errorf("open the destination to test: %w", err)
	}
	if t.Key == "" {
		return r.try(ctx, sender, t), false, nil
	}
	key, cached := scope+"\x00"+t.Key, true
	// The first of several callers sends, for all of them: so not even its own hanging up stops it.
	v, err, _ := r.tests.Do(key, func() (any, error) {
		ctx := context.WithoutCancel(ctx)
		o, ok, err := r.store.TestOutcome(ctx, key)
		if err != nil {
			return TestOutcome{}, fmt.Errorf("read the test's stored outcome: %w", err)
		}
		if ok && (o.Delivered || r.opts.Now().Sub(o.AttemptedAt) < failedTestLife) {
			return o, nil
		}
		cached = false
		o = r.try(ctx, sender, t)
		return o, r.store.SaveTestOutcome(ctx, key, o)
	})
	if err != nil {
		return TestOutcome{}, false, err
	}
	return v.(TestOutcome), cached, nil
}

func (r *Registry) try(ctx context.Context, sender destination.Sender, t TestAlert) TestOutcome {
	if t.Severity == "" {
		t.Severity = alert.Info
	}
	if t.Type == "" {
		t.Type = alert.Rule
	}
	now := r.opts.Now().UTC()
	id := "test-" + uuid.Must(uuid.NewV7()).String()
	title := "Test alert from alertrouter"
	a, _ := delivery.Try(ctx, sender, &destination.Message{
		Alert: &alert.Alert{
			ID: id, Type: t.Type, CreatedAt: alert.Time{Time: now}, Dedup: id,
			Detection: alert.Detection{
				ID: "AlertRouter.Test", Name: "alertrouter test", Severity: string(t.Severity),
				Description: "Somebody is trying this destination out. There is nothing to do.",
				Tags:        []string{"test"},
			},
			Generated: alert.Generated{Title: &title},
		},
		AlertID: id, Severity: t.Severity, CreatedAt: now, DeliveryID: id, Attempt: 1, Test: true,
	}, r.opts.Now, r.opts.Log)
	return TestOutcome{
		Delivered: a.Outcome == destination.OutcomeDelivered, Outcome: a.Outcome, StatusCode: a.StatusCode, Message: a.Message,
		Duration: a.Duration, AttemptedAt: a.At.UTC(), ExternalID: a.ExternalID, ExternalURL: a.ExternalURL, Truncated: a.Truncated,
	}
}
