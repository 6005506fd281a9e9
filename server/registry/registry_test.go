// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/catalog"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret/seal"
	"github.com/alertrouter/terraform-provider-alertrouter/server/store/bolt"
)

// lanes keeps what the registry says of each lane.
type lanes struct {
	mu     sync.Mutex
	config map[string]delivery.LaneConfig
}

func (l *lanes) SetLane(c delivery.LaneConfig) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.config[c.DestinationID] = c
}

func (l *lanes) RemoveLane(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.config, id)
}

func (l *lanes) of(t testing.TB, id string) delivery.LaneConfig {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.config[id]
	if !ok {
		t.Fatalf("there is no lane %s", id)
	}
	return c
}

func newStore(t testing.TB) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "store"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// kept is a store that keeps the keyset too.
type kept interface {
	registry.Store
	Keyset(ctx context.Context, candidate []byte) ([]byte, error)
}

// open starts a registry on what a store holds.
func open(t testing.TB, s kept) (*registry.Registry, *lanes) {
	t.Helper()
	candidate, err := seal.NewKeyset(seal.MasterKey{})
	if err != nil {
		t.Fatal(err)
	}
	keyset, err := s.Keyset(t.Context(), candidate)
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := seal.Open(seal.MasterKey{}, keyset)
	if err != nil {
		t.Fatal(err)
	}
	l := &lanes{config: map[string]delivery.LaneConfig{}}
	r, err := registry.New(t.Context(), s, sealer, registry.Options{
		Types: catalog.Types(), Env: destination.Env{Now: time.Now}, Lanes: l, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Failed: func(string, int) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r, l
}

func slack(name string) registry.Draft {
	return draft(name, `{"slack":{"webhook_url":"https://hooks.slack.com/services/T/B/X"}}`)
}

func webhook(name, fallback string) registry.Draft {
	d := draft(name, `{"webhook":{"url":"https://soar.example.com"}}`)
	d.Fallback = fallback
	return d
}

func draft(name, config string) registry.Draft {
	return registry.Draft{DisplayName: name, Enabled: true, Severities: alert.Severities(), Config: json.RawMessage(config)}
}

func create(t testing.TB, r *registry.Registry, draft registry.Draft) destination.Destination {
	t.Helper()
	d, _, err := r.Create(t.Context(), "", draft)
	if err != nil {
		t.Fatalf("create %q: %v", draft.DisplayName, err)
	}
	return d
}

func update(t testing.TB, r *registry.Registry, id string, draft registry.Draft) destination.Destination {
	t.Helper()
	d, _, err := r.Update(t.Context(), id, registry.Terms{}, draft)
	if err != nil {
		t.Fatalf("update %q: %v", draft.DisplayName, err)
	}
	return d
}

func TestRegistry_TheVendorsRateIsTheDefault(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	r, l := open(t, s)
	pagerduty := func(name string) registry.Draft {
		return draft(name, `{"pagerduty":{"routing_key":"0123456789abcdef0123456789abcdef"}}`)
	}
	teams := func(name string) registry.Draft {
		return draft(name, `{"microsoft_teams":{"webhook_url":"https://one.api.powerplatform.com/?sig=x"}}`)
	}
	for _, c := range []struct {
		draft registry.Draft
		set   float64
		want  float64
		burst int
	}{
		{slack("slack"), 0, 1, 0},
		{slack("slack, more"), 50, 50, 0},
		{slack("slack, less"), 0.1, 0.1, 0},
		{pagerduty("pagerduty"), 0, 2, 0},
		{pagerduty("pagerduty, more"), 2.5, 2.5, 0},
		{teams("teams"), 0, 25.0 / 300, 5},
		{teams("teams, more"), 1, 1, 0},
		{webhook("webhook", ""), 0, 0, 0},
		{webhook("webhook, some", ""), 7, 7, 0},
	} {
		c.draft.RateLimitPerSecond = c.set
		d := create(t, r, c.draft)
		if got := l.of(t, d.ID); got.RatePerSecond != c.want || got.Burst != c.burst || d.RateLimitPerSecond != c.set {
			t.Errorf("%s: the lane has %v and %d, the destination %v; want %v, %d and %v", d.DisplayName, got.RatePerSecond, got.Burst, d.RateLimitPerSecond, c.want, c.burst, c.set)
		}
	}
	_, again := open(t, s)
	if got, want := len(again.config), 9; got != want {
		t.Fatalf("after a restart there are %d lanes, want %d", got, want)
	}
	for id, c := range l.config {
		if got := again.of(t, id).RatePerSecond; c.RatePerSecond > 0 && got != c.RatePerSecond {
			t.Errorf("%s: after a restart the lane has %v, before %v", c.DisplayName, got, c.RatePerSecond)
		}
	}
}

// Whatever is changed, the snapshot is at once what the store holds, and the snapshots taken before stay as they were.
func TestRegistry_EveryChangeIsInTheNextSnapshotAlone(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	r, _ := open(t, s)
	state := func(s *registry.Snapshot) (names []string) {
		for _, d := range s.Destinations() {
			if found, ok := s.Table.Find(d.DisplayName); !ok || found.ID != d.ID || s.Named(d.DisplayName) != d {
				t.Errorf("%q is not found by its name", d.DisplayName)
			}
			names = append(names, d.DisplayName)
		}
		return names
	}
	var past []*registry.Snapshot
	var states [][]string
	step := func(want ...string) {
		t.Helper()
		now := r.Snapshot()
		if got := state(now); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		past, states = append(past, now), append(states, want)
		for i, before := range past {
			if got := state(before); !slices.Equal(got, states[i]) {
				t.Errorf("snapshot %d is now %q, and was %q", i, got, states[i])
			}
		}
		again, _ := open(t, s)
		if got := state(again.Snapshot()); !slices.Equal(got, want) {
			t.Errorf("the store has %q, want %q", got, want)
		}
	}
	b := create(t, r, webhook("b", ""))
	step("b")
	a := create(t, r, webhook("a", ""))
	step("a", "b")
	update(t, r, a.ID, webhook("c", ""))
	step("b", "c")
	if s := r.Snapshot(); s.Named("a") != nil || s.Named("C") == nil {
		t.Error("a renamed destination is found by its old name, or not by its new one")
	}
	if err := r.Delete(t.Context(), b.ID, nil); err != nil {
		t.Fatal(err)
	}
	step("c")
	if err := r.Validate("", webhook("B", "")); err != nil {
		t.Errorf("the name of a deleted destination is not free: %v", err)
	}
	if err := r.Validate("", webhook("C", "")); problem.KindOf(err) != problem.Conflict {
		t.Errorf("got %v, want that the name is taken", err)
	}
}
