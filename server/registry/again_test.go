// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
)

const (
	keyA = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0"
	keyB = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f1"
)

func wantKind(t *testing.T, what string, err error, want problem.Kind) {
	t.Helper()
	if err == nil || problem.KindOf(err) != want {
		t.Errorf("%s: got %v, want %s", what, err, want)
	}
}

func TestParseKey_TakesOneForm(t *testing.T) {
	t.Parallel()
	if key, err := registry.ParseKey(strings.ToUpper(keyA)); err != nil || key != keyA {
		t.Errorf("got %q, %v", key, err)
	}
	for _, text := range []string{"", "x", "urn:uuid:" + keyA, "{" + keyA + "}", strings.ReplaceAll(keyA, "-", ""), "00000000-0000-0000-0000-000000000000"} {
		_, err := registry.ParseKey(text)
		wantKind(t, text, err, problem.Invalid)
	}
}

func TestCreate_TheSameRequestAgainMakesNoTwin(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	r, _ := open(t, s)
	d, again, err := r.Create(t.Context(), keyA, slack("SOC"))
	if err != nil || again || d.ID != keyA || d.Revision != 1 {
		t.Fatalf("got %+v, %v, %v", d, again, err)
	}
	r, _ = open(t, s) // after a restart
	sameInOtherWords := slack(" SOC ")
	sameInOtherWords.Config = []byte(` {"slack" : {"webhook_url":"https:\u002f/hooks.slack.com/services/T/B/X"}}`)
	sameInOtherWords.Severities = append(alert.Severities(), alert.High)
	for _, draft := range []registry.Draft{slack("SOC"), sameInOtherWords} {
		got, again, err := r.Create(t.Context(), keyA, draft)
		if err != nil || !again || got.ID != keyA || got.Revision != 1 {
			t.Errorf("again: got %+v, %v, %v", got, again, err)
		}
	}
	_, _, err = r.Create(t.Context(), keyB, slack("SOC"))
	wantKind(t, "another request for the same name", err, problem.Conflict)
	for name, draft := range map[string]registry.Draft{
		"another name":   slack("other"),
		"another type":   webhook("SOC", ""),
		"another secret": draft("SOC", `{"slack":{"webhook_url":"https://hooks.slack.com/services/T/B/Y"}}`),
	} {
		_, _, err := r.Create(t.Context(), keyA, draft)
		wantKind(t, name, err, problem.Conflict)
	}
	if n := len(r.Snapshot().Destinations()); n != 1 {
		t.Errorf("there are %d destinations", n)
	}
}

func TestCreate_AKeyIsNotForWhatChangedOrIsGone(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	r, _ := open(t, s)
	d, _, err := r.Create(t.Context(), keyA, slack("SOC"))
	if err != nil {
		t.Fatal(err)
	}
	update(t, r, d.ID, slack("SOC")) // by somebody else, without a key
	_, _, err = r.Create(t.Context(), keyA, slack("SOC"))
	wantKind(t, "changed since", err, problem.Conflict)
	if err := r.Delete(t.Context(), d.ID, nil); err != nil {
		t.Fatal(err)
	}
	for _, restart := range []bool{false, true} {
		if restart {
			r, _ = open(t, s)
		}
		_, _, err = r.Create(t.Context(), keyA, slack("SOC"))
		wantKind(t, "deleted since", err, problem.Conflict)
	}
	if orphaned, err := s.OrphanedDestinations(t.Context()); err != nil || len(orphaned) > 0 {
		t.Errorf("orphaned: %v, %v", orphaned, err)
	}
	create(t, r, slack("SOC")) // the name is free
}

func TestCreate_RepeatsAtTheSameTimeMakeOne(t *testing.T) {
	t.Parallel()
	r, _ := open(t, newStore(t))
	var all sync.WaitGroup
	made := make(chan bool, 8)
	for range cap(made) {
		all.Go(func() {
			_, again, err := r.Create(t.Context(), keyA, slack("SOC"))
			if err != nil {
				t.Error(err)
			}
			made <- !again
		})
	}
	all.Wait()
	close(made)
	n := 0
	for m := range made {
		if m {
			n++
		}
	}
	if n != 1 || len(r.Snapshot().Destinations()) != 1 {
		t.Errorf("%d of the repeats made one; there are %d", n, len(r.Snapshot().Destinations()))
	}
}

func TestUpdate_TheSameRequestAgainIsNotStale(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	r, _ := open(t, s)
	d := create(t, r, slack("SOC"))
	terms := registry.Terms{Key: keyA, Revisions: []int64{1}}
	kept := draft("SOC 2", `{"slack":{"mention":"<!here>"}}`) // the secret is kept
	for n := range 3 {
		got, again, err := r.Update(t.Context(), d.ID, terms, kept)
		if err != nil || again != (n > 0) || got.Revision != 2 || got.DisplayName != "SOC 2" {
			t.Fatalf("%d: got %+v, %v, %v", n, got, again, err)
		}
		if n == 1 {
			r, _ = open(t, s)
		}
	}
	_, _, err := r.Update(t.Context(), d.ID, terms, slack("SOC 3"))
	wantKind(t, "another request with the key", err, problem.Stale)
	_, _, err = r.Update(t.Context(), d.ID, registry.Terms{Key: keyB, Revisions: []int64{1}}, kept)
	wantKind(t, "another key", err, problem.Stale)
	_, _, err = r.Create(t.Context(), d.ID, kept)
	wantKind(t, "a creation under this id", err, problem.Conflict)
	update(t, r, d.ID, kept) // the same content, but another write
	_, _, err = r.Update(t.Context(), d.ID, terms, kept)
	wantKind(t, "changed since", err, problem.Stale)
}

func TestPutOverride_TheSameRequestAgainIsNotStale(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	r, _ := open(t, s)
	create := registry.Terms{Key: keyA, Absent: true}
	change := registry.Terms{Key: keyB, Revisions: []int64{1}}
	put := func(terms registry.Terms, severity alert.Severity, destinations []string) (int64, bool, error) {
		o, again, err := r.PutOverride(t.Context(), "d", terms, severity, destinations)
		return o.Revision, again, err
	}
	for n := range 2 {
		if revision, again, err := put(create, alert.High, nil); err != nil || revision != 1 || again != (n > 0) {
			t.Fatalf("create: got %d, %v, %v", revision, again, err)
		}
		r, _ = open(t, s)
	}
	_, _, err := put(create, alert.High, []string{})
	wantKind(t, "another request with the key", err, problem.Stale)
	_, _, err = put(registry.Terms{Absent: true}, alert.High, nil)
	wantKind(t, "there is one", err, problem.Stale)
	for n := range 2 {
		if revision, again, err := put(change, alert.Low, []string{}); err != nil || revision != 2 || again != (n > 0) {
			t.Fatalf("change: got %d, %v, %v", revision, again, err)
		}
	}
	_, _, err = put(create, alert.High, nil)
	wantKind(t, "changed since it was made", err, problem.Stale)
	if err := r.DeleteOverride(t.Context(), "d", nil); err != nil {
		t.Fatal(err)
	}
	_, _, err = put(change, alert.Low, []string{})
	wantKind(t, "deleted since", err, problem.Stale)
}
