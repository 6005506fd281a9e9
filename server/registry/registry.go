// SPDX-License-Identifier: MPL-2.0

// Package registry keeps the configuration: destinations and overrides. It checks and seals what comes in, stores it,
// and publishes an immutable [Snapshot] that routing and delivery read.
//
//	registry.go      loading, lanes
//	snapshot.go      the snapshot, and making a changed one
//	destinations.go  creating, changing, checking and deleting destinations
//	fallback.go      which fallbacks may be, and what the dispatcher learns of them
//	overrides.go     the same for overrides
//	again.go         what a request says beside its content, and how it is known when it comes again
//	testalert.go     trying a destination out
//	preview.go       what an alert becomes for a destination
//	store.go         what the registry asks of a store
package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret/seal"
)

// Lanes is what learns of every change to a destination; see [delivery.Dispatcher].
type Lanes interface {
	SetLane(c delivery.LaneConfig)
	RemoveLane(destinationID string)
}

// Registry keeps destinations and overrides. It is safe for concurrent use.
type Registry struct {
	store   Store
	types   map[string]destination.Type
	sealer  *seal.Sealer
	opts    Options
	current atomic.Pointer[Snapshot]
	tests   singleflight.Group

	changing   sync.Mutex // one change is stored and published at a time
	background sync.WaitGroup
}

// Options are the registry's surroundings.
type Options struct {
	Types []destination.Type
	Env   destination.Env
	Lanes Lanes
	Now   func() time.Time
	Log   *slog.Logger

	// Failed is told how many deliveries to a deleted destination were failed.
	Failed func(destinationID string, deliveries int)
}

// New reads the configuration from the store and opens a lane for each destination. Deliveries that a crash left open
// to a destination deleted before it are failed.
func New(ctx context.Context, store Store, sealer *seal.Sealer, opts Options) (*Registry, error) {
	r := &Registry{store: store, types: map[string]destination.Type{}, sealer: sealer, opts: opts}
	for _, t := range opts.Types {
		r.types[t.Name] = t
	}
	if err := r.load(ctx); err != nil {
		return nil, err
	}
	s := r.Snapshot()
	for _, d := range s.Destinations() {
		if d.Fallback != "" && s.fallbackOf(d) == nil {
			opts.Log.Warn("the fallback of a destination is gone: it has none until it is given another", "destination_id", d.ID, "fallback", d.Fallback)
		}
		r.setLane(*d)
	}
	orphaned, err := store.OrphanedDestinations(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for deliveries to deleted destinations: %w", err)
	}
	for _, id := range orphaned {
		if err := r.failOpen(ctx, id); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *Registry) load(ctx context.Context) error {
	destinations, err := r.store.Destinations(ctx)
	if err != nil {
		return fmt.Errorf("read destinations: %w", err)
	}
	overrides, err := r.store.Overrides(ctx)
	if err != nil {
		return fmt.Errorf("read overrides: %w", err)
	}
	r.current.Store(newSnapshot(destinations, overrides))
	return nil
}

// Snapshot returns the current configuration.
func (r *Registry) Snapshot() *Snapshot { return r.current.Load() }

// Table returns the current routing table.
func (r *Registry) Table() *route.Table { return r.current.Load().Table }

// setLane opens or changes a destination's lane. A destination whose secrets cannot be opened keeps its place: its
// deliveries are retried with the reason until it is mended or they expire.
func (r *Registry) setLane(d destination.Destination) {
	t := r.types[d.Type]
	fallback, after := r.Snapshot().laneFallback(&d)
	sender, err := r.open(d)
	if err != nil {
		r.opts.Log.Error("a destination cannot be opened", "destination_id", d.ID, "type", d.Type, "error", err)
		sender = brokenSender{err}
	}
	rate, burst := d.RateLimitPerSecond, 0
	if rate == 0 {
		rate, burst = t.RateLimitPerSecond, t.Burst
	}
	r.opts.Lanes.SetLane(delivery.LaneConfig{
		DestinationID: d.ID, DisplayName: d.DisplayName, Type: t.Name, Enabled: d.Enabled, Sender: sender,
		Concurrency: d.MaxConcurrency, RatePerSecond: rate, Burst: burst,
		MaxAge: time.Duration(d.MaxAgeSeconds) * time.Second, Fallback: fallback, FallbackAfter: after,
	})
}

type brokenSender struct{ err error }

func (s brokenSender) Render(*destination.Message) (destination.Rendering, error) {
	return destination.Rendering{}, s.err
}

func (s brokenSender) Send(context.Context, *destination.Message) (destination.Receipt, error) {
	return destination.Receipt{}, s.err
}

// open makes a sender of a stored destination.
func (r *Registry) open(d destination.Destination) (destination.Sender, error) {
	t, secrets, err := r.unsealAll(d)
	if err != nil {
		return nil, err
	}
	return t.Open(d.Config, secrets, r.opts.Env)
}

// unsealAll returns a destination's type and its secrets by name.
func (r *Registry) unsealAll(d destination.Destination) (destination.Type, map[string]json.RawMessage, error) {
	t, ok := r.types[d.Type]
	if !ok {
		return t, nil, fmt.Errorf("this server does not know the destination type %q", d.Type)
	}
	secrets := make(map[string]json.RawMessage, len(d.Sealed))
	for name := range d.Sealed {
		plain, err := r.unseal(d, name)
		if err != nil {
			return t, nil, err
		}
		secrets[name] = plain
	}
	return t, secrets, nil
}

// place names where a secret belongs, for sealing.
func place(destinationID, member string) string { return destinationID + "/" + member }

// unseal opens one secret; nil where it is not set.
func (r *Registry) unseal(d destination.Destination, member string) (json.RawMessage, error) {
	sealed, ok := d.Sealed[member]
	if !ok {
		return nil, nil
	}
	return r.sealer.Open(place(d.ID, member), sealed)
}

// Close waits for work in the background.
func (r *Registry) Close() { r.background.Wait() }
