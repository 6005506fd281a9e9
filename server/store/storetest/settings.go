// SPDX-License-Identifier: MPL-2.0

package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/auth"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
)

var errRefused = errors.New("refused")

var destinationCases = []testCase{
	{"keeps every member", func(t *testing.T, f *fixture) {
		full := fullDestination(f)
		bare := destination.Destination{ID: "bare", DisplayName: "Bare", Config: []byte(`{}`)}
		for _, d := range []destination.Destination{full, bare} {
			if err := f.CreateDestination(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		f.wantDestinations(bare, full)
	}},
	{"refuses a taken id", func(t *testing.T, f *fixture) {
		f.destinations("one")
		err := f.CreateDestination(t.Context(), destination.Destination{ID: "one", DisplayName: "Another"})
		wantKind(t, "create", err, problem.Conflict)
	}},
	{"refuses a name that differs only in case", func(t *testing.T, f *fixture) {
		for i, c := range []struct {
			a, b string
			same bool
		}{
			{"On call", "On call", true},
			{"On call", "ON CALL", true},
			{"On call", "On-call", false},
			{"Équipe", "équipe", true},
			{"Équipe", "E\u0301quipe", true}, // É in two runes
			{"Équipe", "Equipe", false},
			{"Straße", "STRASSE", true},
			{"ΟΔΟΣ", "οδος", true}, // the last sigma
			{"οδος", "οδοσ", true},
			{"I", "i", true}, // as outside Turkey
			{"ı", "i", false},
			{"İ", "i", false},
			{"ДЕЖУРНЫЙ", "дежурный", true},
			{"K", "k", true}, // the sign for kelvin
		} {
			prefix := string(rune('a'+i)) + " " // pairs have nothing to do with one another
			a := destination.Destination{ID: prefix + "1", DisplayName: prefix + c.a}
			b := destination.Destination{ID: prefix + "2", DisplayName: prefix + c.b}
			if err := f.CreateDestination(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			err := f.CreateDestination(t.Context(), b)
			if got := problem.KindOf(err) == problem.Conflict; got != c.same || (err != nil && !got) {
				t.Errorf("%q and %q: got %v, want a conflict %v", c.a, c.b, err, c.same)
			}
		}
	}},
	{"updates and returns what change makes", func(t *testing.T, f *fixture) {
		old := fullDestination(f)
		if err := f.CreateDestination(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		want := old
		want.DisplayName, want.Enabled, want.Severities, want.Revision = "Renamed", false, nil, 2
		got, err := f.UpdateDestination(t.Context(), old.ID, func(d destination.Destination) (destination.Destination, error) {
			equal(t, "current", d, old)
			return want, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "updated", got, want)
		f.wantDestinations(want)
	}},
	{"frees a name by renaming, and by deleting", func(t *testing.T, f *fixture) {
		f.destinations("one", "two")
		f.rename("one", "Elsewhere")
		f.rename("two", "THE ONE")
		wantKind(t, "taken", f.tryRename("one", "the one"), problem.Conflict)
		f.deleteDestination("two")
		f.rename("one", "the one")
		f.rename("one", "The ONE") // its own
	}},
	{"leaves everything as it was when an update is refused", func(t *testing.T, f *fixture) {
		f.destinations("one", "two")
		before, err := f.Destinations(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantKind(t, "taken name", f.tryRename("one", "tHe tWo"), problem.Conflict)
		wantKind(t, "unknown id", f.tryRename("three", "Three"), problem.NotFound)
		_, err = f.UpdateDestination(t.Context(), "one", func(d destination.Destination) (destination.Destination, error) {
			d.DisplayName = "Other"
			return d, errRefused
		})
		if err != errRefused { //nolint:errorlint // as it is
			t.Errorf("got %v, want the error of change as it is", err)
		}
		_, err = f.UpdateDestination(t.Context(), "one", func(d destination.Destination) (destination.Destination, error) {
			d.ID = "three"
			return d, nil
		})
		if err == nil {
			t.Error("the id was changed")
		}
		f.wantDestinations(before...)
		f.destinations("Other") // "The Other" is free
	}},
	{"deletes when check agrees", func(t *testing.T, f *fixture) {
		f.destinations("one", "two")
		err := f.DeleteDestination(t.Context(), "one", f.now(), func(d destination.Destination) error {
			equal(t, "checked", d.DisplayName, "The one")
			return errRefused
		})
		if err != errRefused { //nolint:errorlint // as it is
			t.Errorf("got %v, want the error of check as it is", err)
		}
		if list, err := f.Destinations(t.Context()); err != nil || len(list) != 2 {
			t.Errorf("got %+v, %v", list, err)
		}
		f.deleteDestination("one")
		if list, err := f.Destinations(t.Context()); err != nil || len(list) != 1 || list[0].ID != "two" {
			t.Errorf("got %+v, %v", list, err)
		}
		err = f.DeleteDestination(t.Context(), "one", f.now(), func(destination.Destination) error { return nil })
		wantKind(t, "again", err, problem.NotFound)
	}},
	{"does not give the id of a deleted destination to another", func(t *testing.T, f *fixture) {
		f.destinations("one")
		f.deleteDestination("one")
		f.destinations("two") // others are free
		again := destination.Destination{ID: "one", DisplayName: "Another"}
		wantKind(t, "create", f.CreateDestination(t.Context(), again), problem.Conflict)
		f.reopen()
		wantKind(t, "create after a restart", f.CreateDestination(t.Context(), again), problem.Conflict)
	}},
	{"forgets the ids of deleted destinations in time", func(t *testing.T, f *fixture) {
		const old = 30
		remove := func(id string, now time.Time) {
			t.Helper()
			if err := f.DeleteDestination(t.Context(), id, now, func(destination.Destination) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		free := func(id string) bool {
			err := f.CreateDestination(t.Context(), destination.Destination{ID: id, DisplayName: id})
			return err == nil
		}
		for i := range old {
			f.destinations(fmt.Sprint("old", i))
			remove(fmt.Sprint("old", i), epoch)
		}
		now := epoch.Add(registry.KeepDeleted + time.Millisecond)
		for i := range old {
			f.destinations(fmt.Sprint("new", i))
			remove(fmt.Sprint("new", i), now)
		}
		for i := range old {
			if !free(fmt.Sprint("old", i)) {
				t.Errorf("old%d is still remembered", i)
			}
			if free(fmt.Sprint("new", i)) {
				t.Errorf("new%d is forgotten", i)
			}
		}
	}},
}

func fullDestination(f *fixture) destination.Destination {
	return destination.Destination{
		ID: "full", Type: "slack", DisplayName: "Füll", Enabled: true,
		Severities: []alert.Severity{alert.High}, AlertTypes: []alert.Type{}, LogTypes: []string{"a", "b"},
		AllowManualDispatch: true, Fallback: "other", FallbackAfterSeconds: 60, MaxAgeSeconds: 3600, MaxConcurrency: 4,
		RateLimitPerSecond: 0.5, Config: []byte(`{"a":"<b>","c":[1]}`),
		Sealed:       map[string][]byte{"url": {0, 1, 2, 255}},
		Fingerprints: map[string]string{"url": "f00"},
		CreatedAt:    f.now(), UpdatedAt: f.now(), Revision: 1, LastWrite: "abc",
	}
}

// wantDestinations checks the list, in order of the ids.
func (f *fixture) wantDestinations(want ...destination.Destination) {
	f.t.Helper()
	got, err := f.Destinations(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	slices.SortFunc(got, func(a, b destination.Destination) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(want, func(a, b destination.Destination) int { return cmp.Compare(a.ID, b.ID) })
	equal(f.t, "destinations", got, want)
}

func (f *fixture) tryRename(id, name string) error {
	_, err := f.UpdateDestination(f.t.Context(), id, func(d destination.Destination) (destination.Destination, error) {
		d.DisplayName = name
		return d, nil
	})
	return err
}

func (f *fixture) rename(id, name string) {
	f.t.Helper()
	if err := f.tryRename(id, name); err != nil {
		f.t.Fatalf("rename %s to %q: %v", id, name, err)
	}
}

var settingCases = []testCase{
	{"overrides are put, listed and deleted", func(t *testing.T, f *fixture) {
		a := registry.Override{
			DetectionID: "A", Severity: alert.Low, Destinations: []string{"one", "two"}, CreatedAt: f.now(), UpdatedAt: f.now(), Revision: 1,
		}
		f.putOverride(a, nil)
		f.wantOverrides(a)
		changed := a
		changed.Severity, changed.UpdatedAt, changed.Revision = "", f.now(), 2
		f.putOverride(changed, &a)
		b := registry.Override{DetectionID: "a", Severity: alert.High}
		f.putOverride(b, nil)
		f.wantOverrides(changed, b)

		_, err := f.PutOverride(t.Context(), "A", func(*registry.Override) (registry.Override, error) {
			return registry.Override{DetectionID: "A"}, errRefused
		})
		if err != errRefused { //nolint:errorlint // as it is
			t.Errorf("put: got %v, want the error of change as it is", err)
		}
		err = f.DeleteOverride(t.Context(), "A", func(o registry.Override) error {
			equal(t, "checked", o, changed)
			return errRefused
		})
		if err != errRefused { //nolint:errorlint // as it is
			t.Errorf("delete: got %v, want the error of check as it is", err)
		}
		f.wantOverrides(changed, b)

		agree := func(registry.Override) error { return nil }
		if err := f.DeleteOverride(t.Context(), "A", agree); err != nil {
			t.Error(err)
		}
		f.wantOverrides(b)
		wantKind(t, "again", f.DeleteOverride(t.Context(), "A", agree), problem.NotFound)
	}},
	{"overrides tell no list from an empty one", func(t *testing.T, f *fixture) {
		unset := registry.Override{DetectionID: "A", Severity: alert.Low}
		suppressed := registry.Override{DetectionID: "B", Destinations: []string{}}
		f.putOverride(unset, nil)
		f.putOverride(suppressed, nil)
		f.wantOverrides(unset, suppressed)
		f.putOverride(unset, &unset)
		f.putOverride(suppressed, &suppressed)
	}},
	{"tokens are kept until deleted", func(t *testing.T, f *fixture) {
		one := auth.Token{
			ID: "1", Name: "engine", Role: "engine", Permissions: []auth.Permission{auth.AlertsWrite},
			Hash: [32]byte{0: 1, 31: 255}, CreatedAt: f.now(), ExpiresAt: f.now(),
		}
		two := auth.Token{ID: "2", Name: "never ends", Permissions: []auth.Permission{}, CreatedAt: f.now()}
		for _, token := range []auth.Token{one, two} {
			if err := f.CreateToken(t.Context(), token); err != nil {
				t.Fatal(err)
			}
		}
		f.wantTokens(one, two)
		wantKind(t, "taken id", f.CreateToken(t.Context(), one), problem.Conflict)
		if err := f.DeleteToken(t.Context(), "1"); err != nil {
			t.Error(err)
		}
		f.wantTokens(two)
		wantKind(t, "again", f.DeleteToken(t.Context(), "1"), problem.NotFound)
	}},
	{"times that cannot be kept are refused", func(t *testing.T, f *fixture) {
		f.destinations("one")
		kept := auth.Token{ID: "kept", Permissions: []auth.Permission{}, CreatedAt: f.now(), ExpiresAt: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}
		if err := f.CreateToken(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
		zone := time.FixedZone("west", -3600)
		for _, at := range []time.Time{
			time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 30, 0, 0, zone), time.Date(-1, 12, 31, 0, 0, 0, 0, time.UTC),
			time.Date(300_000_000_000, 1, 1, 0, 0, 0, 0, time.UTC),
		} {
			token := kept
			token.ID, token.ExpiresAt = "other", at
			wantKind(t, fmt.Sprint("token until ", at), f.CreateToken(t.Context(), token), problem.Invalid)
			if f.CreateDestination(t.Context(), destination.Destination{ID: "two", DisplayName: "Two", UpdatedAt: at}) == nil {
				t.Errorf("a destination was created that was updated at %v", at)
			}
			_, err := f.PutOverride(t.Context(), "A", func(*registry.Override) (registry.Override, error) {
				return registry.Override{DetectionID: "A", CreatedAt: at}, nil
			})
			if err == nil {
				t.Errorf("an override was put that was created at %v", at)
			}
			f.reopen()
			f.wantTokens(kept)
			f.wantOverrides()
			if list, err := f.Destinations(t.Context()); err != nil || len(list) != 1 {
				t.Errorf("got %d destinations, %v", len(list), err)
			}
		}
	}},
	{"old test outcomes are removed as new ones come", func(t *testing.T, f *fixture) {
		const old = 60
		save := func(key string, at time.Time) {
			t.Helper()
			if err := f.SaveTestOutcome(t.Context(), key, registry.TestOutcome{AttemptedAt: at}); err != nil {
				t.Fatal(err)
			}
		}
		left := func() (n int) {
			for i := range old {
				if _, ok, err := f.TestOutcome(t.Context(), fmt.Sprint("old", i)); err != nil {
					t.Fatal(err)
				} else if ok {
					n++
				}
			}
			return n
		}
		for i := range old {
			save(fmt.Sprint("old", i), epoch)
		}
		save("kept", epoch.Add(time.Second))
		equal(t, "left", left(), old)
		now := epoch.Add(registry.KeepTests + time.Second)
		save("new", now)
		if n := left(); n < old/2 {
			t.Errorf("one call removed %d", old-n)
		}
		for range old {
			save("new", now)
		}
		equal(t, "left", left(), 0)
		for _, key := range []string{"kept", "new"} {
			if _, ok, err := f.TestOutcome(t.Context(), key); !ok || err != nil {
				t.Errorf("%s: got %v, %v", key, ok, err)
			}
		}
	}},
	{"test outcomes replace one another", func(t *testing.T, f *fixture) {
		want := registry.TestOutcome{
			Outcome: destination.OutcomePermanent, StatusCode: 404, Message: "no such chann\xe9l", Duration: 1234 * time.Microsecond,
			AttemptedAt: f.now(), ExternalID: "x", ExternalURL: "https://example.com/x", Truncated: true,
		}
		for range 2 {
			if err := f.SaveTestOutcome(t.Context(), "key", want); err != nil {
				t.Fatal(err)
			}
			got, ok, err := f.TestOutcome(t.Context(), "key")
			if err != nil || !ok {
				t.Fatalf("got %v, %v", ok, err)
			}
			equal(t, "outcome", got, want)
			want = registry.TestOutcome{Delivered: true, Outcome: destination.OutcomeDelivered, AttemptedAt: f.now()}
		}
		if _, ok, err := f.TestOutcome(t.Context(), "other"); ok || err != nil {
			t.Errorf("another key: got %v, %v", ok, err)
		}
	}},
	{"the first keyset stays", func(t *testing.T, f *fixture) {
		for _, candidate := range []string{"first\x00\xff", "second"} {
			got, err := f.Keyset(t.Context(), []byte(candidate))
			if err != nil || string(got) != "first\x00\xff" {
				t.Errorf("candidate %q: got %q, %v", candidate, got, err)
			}
		}
	}},
}

func (f *fixture) putOverride(o registry.Override, was *registry.Override) {
	f.t.Helper()
	got, err := f.PutOverride(f.t.Context(), o.DetectionID, func(old *registry.Override) (registry.Override, error) {
		equal(f.t, "override before", old, was)
		return o, nil
	})
	if err != nil {
		f.t.Fatalf("put override: %v", err)
	}
	equal(f.t, "override", got, o)
}

func (f *fixture) wantOverrides(want ...registry.Override) {
	f.t.Helper()
	got, err := f.Overrides(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	slices.SortFunc(got, func(a, b registry.Override) int { return cmp.Compare(a.DetectionID, b.DetectionID) })
	equal(f.t, "overrides", got, want)
}

func (f *fixture) wantTokens(want ...auth.Token) {
	f.t.Helper()
	got, err := f.Tokens(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	slices.SortFunc(got, func(a, b auth.Token) int { return cmp.Compare(a.ID, b.ID) })
	equal(f.t, "tokens", got, want)
}
