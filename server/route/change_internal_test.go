// SPDX-License-Identifier: MPL-2.0

package route

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
)

// A table that was changed step by step is the one that is compiled of what there is in the end, and the tables on the
// way stay as they were.
func TestTable_ChangedIsTheOneCompiledAnew(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		destinations, overrides := map[string]Destination{}, map[string]Override{}
		compiled := func() *Table {
			return Compile(slices.Collect(maps.Values(destinations)), slices.Collect(maps.Values(overrides)))
		}
		table := Compile(nil, nil)
		for range rapid.IntRange(1, 12).Draw(t, "changes") {
			before, as := table, compiled()
			switch id := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "id"); rapid.IntRange(0, 5).Draw(t, "change") {
			case 0:
				delete(destinations, id)
				table = table.Without(id)
			case 1:
				delete(overrides, id)
				table = table.WithoutOverride(id)
			case 2:
				overrides[id] = Override{DetectionID: id, Severity: rapid.SampledFrom(alert.Severities()).Draw(t, "override")}
				table = table.WithOverride(overrides[id])
			default:
				destinations[id] = Destination{
					ID: id, DisplayName: rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "name"), Enabled: rapid.Bool().Draw(t, "enabled"),
					Severities: rapid.SliceOfDistinct(rapid.SampledFrom(alert.Severities()), rapid.ID).Draw(t, "severities"),
					AlertTypes: rapid.SliceOfDistinct(rapid.SampledFrom(alert.Types()), rapid.ID).Draw(t, "types"),
				}
				table = table.With(destinations[id])
			}
			mustEqual(t, table, compiled())
			mustEqual(t, before, as)
		}
	})
}

func mustEqual(t *rapid.T, got, want *Table) {
	t.Helper()
	for _, table := range []*Table{got, want} { // lists may be in other pieces, and one that is empty is as good as none
		table.all, table.system = inOnePiece(table.all), inOnePiece(table.system)
		maps.DeleteFunc(table.filtered, func(_ filterKey, l list) bool { return len(l) == 0 })
		for key, l := range table.filtered {
			table.filtered[key] = inOnePiece(l)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got\n%+v\nwant\n%+v", got, want)
	}
}

func inOnePiece(l list) list {
	if len(l) == 0 {
		return nil
	}
	return list{slices.Collect(l.entries())}
}

// Lists of many pieces: they split, shrink and vanish, and stay sorted and whole.
func TestList_KeepsItsOrderThroughManyChanges(t *testing.T) {
	t.Parallel()
	var l list
	var want []*entry
	entries := make([]*entry, 3*maxPiece)
	for i := range entries {
		entries[i] = &entry{Destination: Destination{ID: fmt.Sprint(i), DisplayName: fmt.Sprintf("%04d", i*7919%len(entries))}}
	}
	check := func() {
		t.Helper()
		if got := slices.Collect(l.entries()); !slices.Equal(got, want) || l.len() != len(want) {
			t.Fatalf("got %d entries, want these %d in order", len(got), len(want))
		}
		for _, piece := range l {
			if len(piece) == 0 || len(piece) > maxPiece {
				t.Fatalf("a piece has %d entries", len(piece))
			}
		}
	}
	for _, e := range entries {
		l, want = l.with(e), append(want, e)
		slices.SortFunc(want, compareEntries)
		check()
	}
	if len(l) < 3 || l.named("0007") == nil || l.named("0007").DisplayName != "0007" || l.named("no") != nil {
		t.Errorf("%d pieces; found %v and %v", len(l), l.named("0007"), l.named("no"))
	}
	for _, e := range entries {
		l = l.without(e)
		want = slices.DeleteFunc(want, func(other *entry) bool { return other == e })
		check()
	}
}
