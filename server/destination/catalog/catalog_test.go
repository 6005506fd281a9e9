// SPDX-License-Identifier: MPL-2.0

package catalog_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/catalog"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
)

func TestTypes_PassTheSuite(t *testing.T) {
	t.Parallel()
	types := catalog.Types()
	if len(types) == 0 {
		t.Fatal("the catalog is empty")
	}
	for _, typ := range types {
		t.Run(typ.Name, func(t *testing.T) {
			t.Parallel()
			destinationtest.Run(t, destinationtest.Load(t, typ, filepath.Join("..", typ.Name, "testdata")))
		})
	}
}

func TestTypes_AreSortedAndDistinct(t *testing.T) {
	t.Parallel()
	var names []string
	for _, typ := range catalog.Types() {
		names = append(names, typ.Name)
		if found, ok := catalog.Lookup(typ.Name); !ok || found.Name != typ.Name {
			t.Errorf("Lookup(%q) = %q, %t", typ.Name, found.Name, ok)
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("got types %v, want them sorted, each once", names)
	}
	if _, ok := catalog.Lookup("pigeon"); ok {
		t.Error("Lookup finds a type that does not exist")
	}
}

// TestTypes_AreDocumented wants a row for each type in each table of the operators' page, with the rate that it has, and
// its page in the README's table.
func TestTypes_AreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/operations/destinations.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][][]string{}
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(strings.Trim(line, "| \n"), " | "); strings.HasPrefix(line, "| `") {
			name := strings.Trim(cells[0], "`")
			rows[name] = append(rows[name], cells)
		}
	}
	tables := strings.Count(string(page), "| Type |")
	for _, typ := range catalog.Types() {
		if link := "(docs/resources/destination_" + typ.Name + ".md)"; !strings.Contains(string(readme), link) {
			t.Errorf("README.md, Destination types, has no link to %s", link)
		}
		got := rows[typ.Name]
		if len(got) != tables || tables == 0 {
			t.Errorf("docs/operations/destinations.md has a row for %s in %d of its %d tables", typ.Name, len(got), tables)
			continue
		}
		rate := "none"
		if typ.RateLimitPerSecond > 0 {
			rate = strconv.FormatFloat(typ.RateLimitPerSecond, 'g', 2, 64)
		}
		if cells := got[1]; strings.Fields(cells[len(cells)-1])[0] != rate {
			t.Errorf("docs/operations/destinations.md: %s: the page says that %s attempts start a second, the type %s", typ.Name, cells[len(cells)-1], rate)
		}
	}
}

// TestTypes_AreListed reads the directories: a package of a type that the catalog misses does not exist for the server.
func TestTypes_AreListed(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob(filepath.Join("..", "*", "testdata", "suite.json"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("found %d types: %v", len(cases), err)
	}
	for _, file := range cases {
		name := filepath.Base(filepath.Dir(filepath.Dir(file)))
		if _, ok := catalog.Lookup(name); !ok {
			t.Errorf("type %s is not in the catalog", name)
		}
	}
}
