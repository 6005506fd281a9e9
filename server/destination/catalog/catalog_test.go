// SPDX-License-Identifier: MPL-2.0

package catalog_test

import (
	"path/filepath"
	"slices"
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
