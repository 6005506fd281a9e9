// SPDX-License-Identifier: MPL-2.0

package registry_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
)

// chain makes destinations named by the letters, each with the one after it as its fallback, and returns their ids.
func chain(t *testing.T, r *registry.Registry, letters string) map[string]string {
	t.Helper()
	ids, next := map[string]string{}, ""
	for i := len(letters) - 1; i >= 0; i-- {
		name := letters[i : i+1]
		next = create(t, r, webhook(name, next)).ID
		ids[name] = next
	}
	return ids
}

// refused wants a problem.Invalid that names one field, with these words.
func refused(t *testing.T, what string, err error, field, words string) {
	t.Helper()
	fields := problem.FieldsOf(err)
	if problem.KindOf(err) != problem.Invalid || len(fields) != 1 || fields[0].Name != field || !strings.Contains(fields[0].Message, words) {
		t.Errorf("%s: got %v, want %s with %q", what, err, field, words)
	}
}

func TestFallback_MustBeAnotherDestinationThatIsThere(t *testing.T) {
	t.Parallel()
	r, _ := open(t, newStore(t))
	ids := chain(t, r, "A")
	_, _, err := r.Create(t.Context(), "", webhook("B", "nobody"))
	refused(t, "created with one that is not there", err, "/fallback", `none with the id "nobody"`)
	_, _, err = r.Update(t.Context(), ids["A"], registry.Terms{}, webhook("A", ids["A"]))
	refused(t, "its own fallback", err, "/fallback", "not the destination itself")
	alone := webhook("B", "")
	alone.FallbackAfterSeconds = 5
	_, _, err = r.Create(t.Context(), "", alone)
	refused(t, "a wait for nobody", err, "/fallback_after_seconds", "without a fallback")
	refused(t, "a wait for nobody, validated", r.Validate("", alone), "/fallback_after_seconds", "without a fallback")
	if n := len(r.Snapshot().Destinations()); n != 1 {
		t.Errorf("there are %d destinations, want 1", n)
	}
}

func TestFallback_ChainsAreThreeDeepAndWithoutCircles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		chains string // apart
		from   string // gets a fallback; "new" is a new destination
		to     string
		names  string // of what is refused; "" is accepted
	}{
		{"ABC D", "C", "D", ""},
		{"BCD", "new", "B", ""},
		{"ABCD", "new", "A", `"new" → "A" → "B" → "C" → "D"`},        // at the beginning
		{"ABCD E", "D", "E", `"A" → "B" → "C" → "D" → "E"`},          // at the end
		{"ABC DE", "C", "D", `"A" → "B" → "C" → "D" → "E"`},          // in the middle
		{"AB C DEFG", "B", "D", `"A" → "B" → "D" → "E" → "F" → "G"`}, // by more than one
		{"ABCD E", "B", "E", ""}, // what it had before does not count
		{"ABCD EFG", "B", "E", `"A" → "B" → "E" → "F" → "G"`},
		{"AB", "B", "A", `"B" → "A" → "B"`},
		{"ABCD", "D", "A", `"D" → "A" → "B" → "C" → "D"`},
		{"ABCD", "C", "A", `"C" → "A" → "B" → "C"`},
		{"ABCD", "D", "C", `"D" → "C" → "D"`},
	} {
		t.Run(fmt.Sprint(c.chains, ": ", c.from, " to ", c.to), func(t *testing.T) {
			t.Parallel()
			r, _ := open(t, newStore(t))
			ids := map[string]string{}
			for _, letters := range strings.Fields(c.chains) {
				for name, id := range chain(t, r, letters) {
					ids[name] = id
				}
			}
			draft := webhook(c.from, ids[c.to])
			validated := r.Validate(ids[c.from], draft)
			var err error
			if id := ids[c.from]; id != "" {
				_, _, err = r.Update(t.Context(), id, registry.Terms{}, draft)
			} else {
				_, _, err = r.Create(t.Context(), "", draft)
			}
			if c.names == "" {
				if err != nil || validated != nil {
					t.Fatalf("got %v and, validated, %v", err, validated)
				}
				return
			}
			for what, err := range map[string]error{"saved": err, "validated": validated} {
				refused(t, what, err, "/fallback", c.names)
			}
		})
	}
}

func TestFallback_InUseIsNotDeleted(t *testing.T) {
	t.Parallel()
	r, _ := open(t, newStore(t))
	ids := chain(t, r, "AB")
	create(t, r, webhook("C", ids["B"]))
	err := r.Delete(t.Context(), ids["B"], nil)
	if problem.KindOf(err) != problem.Conflict || !strings.Contains(err.Error(), `"B" is the fallback of "A", "C":`) {
		t.Errorf("got %v, want a conflict that names A and C", err)
	}
	if err := r.Delete(t.Context(), ids["B"], []int64{7}); problem.KindOf(err) != problem.Stale {
		t.Errorf("got %v, want that the revision is another", err)
	}
	for i := range 20 {
		create(t, r, webhook(fmt.Sprint("D", i), ids["B"]))
	}
	if err := r.Delete(t.Context(), ids["B"], nil); err == nil || !strings.Contains(err.Error(), `"D14", "D15" and 12 more: `) {
		t.Errorf("got %v, want the first ten and how many more", err)
	}
	update(t, r, ids["A"], webhook("A", ""))
	if err := r.Delete(t.Context(), ids["A"], nil); err != nil {
		t.Errorf("what nobody names is not deleted: %v", err)
	}
}

// Lanes learn of their own fallback, and of how long that one in turn waits, whichever of the two is changed.
func TestFallback_LanesAndTheIntakeKnowIt(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	r, l := open(t, s)
	ids := chain(t, r, "C")
	b := webhook("B", ids["C"])
	b.FallbackAfterSeconds = 30
	ids["B"] = create(t, r, b).ID
	ids["A"] = create(t, r, webhook("A", ids["B"])).ID
	check := func(when, name string, to delivery.Fallback, after time.Duration) {
		t.Helper()
		if c := l.of(t, ids[name]); c.Fallback != to || c.FallbackAfter != after {
			t.Errorf("%s: the lane of %s has %+v after %v, want %+v after %v", when, name, c.Fallback, c.FallbackAfter, to, after)
		}
		if gotTo, gotAfter := r.Snapshot().Fallback(ids[name]); gotTo != to.DestinationID || gotAfter != after {
			t.Errorf("%s: the snapshot has %q after %v for %s, want %q after %v", when, gotTo, gotAfter, name, to.DestinationID, after)
		}
	}
	check("created", "A", delivery.Fallback{DestinationID: ids["B"], After: 30 * time.Second}, 0)
	check("created", "B", delivery.Fallback{DestinationID: ids["C"]}, 30*time.Second)
	check("created", "C", delivery.Fallback{}, 0)
	b.FallbackAfterSeconds = 60
	update(t, r, ids["B"], b)
	check("the second changed", "A", delivery.Fallback{DestinationID: ids["B"], After: time.Minute}, 0)
	check("the second changed", "B", delivery.Fallback{DestinationID: ids["C"]}, time.Minute)
	r, l = open(t, s)
	check("restarted", "A", delivery.Fallback{DestinationID: ids["B"], After: time.Minute}, 0)
	check("restarted", "B", delivery.Fallback{DestinationID: ids["C"]}, time.Minute)
	update(t, r, ids["B"], webhook("B", ""))
	check("the second has none", "A", delivery.Fallback{DestinationID: ids["B"]}, 0)
	check("the second has none", "B", delivery.Fallback{}, 0)
	if to, after := r.Snapshot().Fallback("nobody"); to != "" || after != 0 {
		t.Errorf("nobody has the fallback %q after %v", to, after)
	}
}

// A store put together from more than one backup: the fallback is gone, and there is a circle.
func TestFallback_AStoreThatContradictsItselfStartsAllTheSame(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	r, _ := open(t, s)
	ids := chain(t, r, "AB")
	x, _ := r.Snapshot().Destination(ids["B"])
	x.ID, x.DisplayName, x.Fallback, x.FallbackAfterSeconds = "x", "X", "gone", 5
	y := x
	y.ID, y.DisplayName, y.Fallback = "y", "Y", "z"
	z := y
	z.ID, z.DisplayName, z.Fallback = "z", "Z", "y"
	for _, d := range []destination.Destination{x, y, z} {
		if err := s.CreateDestination(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	r, l := open(t, s)
	if to, after := r.Snapshot().Fallback("x"); to != "" || after != 0 || l.of(t, "x").Fallback.DestinationID != "" {
		t.Errorf("a fallback that is gone counts: %q after %v, %+v", to, after, l.of(t, "x"))
	}
	_, _, err := r.Update(t.Context(), "x", registry.Terms{}, webhook("X", "gone"))
	refused(t, "saved again", err, "/fallback", "names no destination")
	_, _, err = r.Update(t.Context(), ids["B"], registry.Terms{}, webhook("B", "y"))
	refused(t, "before a circle", err, "/fallback", "too long")
	update(t, r, "z", webhook("Z", ids["A"])) // which breaks it
	if err := r.Delete(t.Context(), "x", nil); err != nil {
		t.Error(err)
	}
}

// Two changes at once that are right alone and a circle together: one of them is refused.
func TestFallback_ChangesAtOnceMakeNoCircle(t *testing.T) {
	t.Parallel()
	r, _ := open(t, newStore(t))
	a, b := create(t, r, webhook("A", "")), create(t, r, webhook("B", ""))
	for range 20 {
		var both sync.WaitGroup
		both.Go(func() { _, _, _ = r.Update(t.Context(), a.ID, registry.Terms{}, webhook("A", b.ID)) })
		both.Go(func() { _, _, _ = r.Update(t.Context(), b.ID, registry.Terms{}, webhook("B", a.ID)) })
		both.Wait()
		toB, _ := r.Snapshot().Fallback(a.ID)
		toA, _ := r.Snapshot().Fallback(b.ID)
		if (toA == "") == (toB == "") {
			t.Fatalf("A falls back to %q, and B to %q", toB, toA)
		}
		update(t, r, a.ID, webhook("A", ""))
		update(t, r, b.ID, webhook("B", ""))
	}
}
