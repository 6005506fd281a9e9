// SPDX-License-Identifier: MPL-2.0

// Package main_test keeps the layout true: who may import whom, that every package says what it is, that every
// operation has a permission and an example, that every file names its licence.
package main_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/catalog"
)

const module = "github.com/alertrouter/terraform-provider-alertrouter"

// pkg is what `go list` tells of a package.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
	GoFiles    []string
	Dir        string
	Doc        string
}

// packages lists every package of the module.
func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps,GoFiles,Dir,Doc", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var p pkg
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if len(list) < 20 {
		t.Fatalf("found %d packages; is this the module's root?", len(list))
	}
	return list
}

// short is an import path seen from the module's root; "" for one outside.
func short(path string) string {
	if path == module {
		return "main"
	}
	rest, ok := strings.CutPrefix(path, module+"/")
	if !ok {
		return ""
	}
	return strings.TrimPrefix(rest, "server/")
}

// allowed says, for each package of the server, what else of this module it may import. "*" is everything; a name
// ending in "/" covers the packages below it. "std" packages import the standard
// library only, and what is named beside it.
var allowed = map[string][]string{
	"alert":                         {"std"},
	"problem":                       {"std"},
	"secret":                        {"std"},
	"alert/wire":                    {"alert", "problem"},
	"secret/seal":                   {},
	"route":                         {"alert"},
	"route/routetest":               {"alert", "route"},
	"outbound":                      {"problem", "secret"},
	"destination":                   {"alert", "problem", "secret", "outbound"},
	"destination/cut":               {"std"},
	"destination/template":          {"std", "destination/cut"},
	"destination/render":            {"alert", "destination", "destination/cut", "destination/template", "problem", "secret"},
	"destination/payload":           {"alert", "destination", "destination/render"},
	"destination/catalog":           {"destination", "destination/"},
	"destination/shrink":            {"destination", "destination/payload"},
	"destination/destinationtest":   {"alert", "destination", "destination/shrink", "outbound", "problem", "secret"},
	"destination/*":                 {"alert", "destination", "destination/payload", "destination/render", "outbound", "problem", "secret"},
	"delivery":                      {"alert", "destination", "destination/shrink", "problem"},
	"auth":                          {"problem", "secret"},
	"intake":                        {"alert", "alert/wire", "delivery", "problem", "route"},
	"registry":                      {"alert", "delivery", "destination", "problem", "route", "secret/seal"},
	"watch":                         {"alert", "alert/wire", "delivery", "intake"},
	"retention":                     {"delivery"},
	"store":                         {"auth", "delivery", "intake", "registry", "retention", "watch"},
	"store/storetest":               {"alert", "auth", "delivery", "destination", "intake", "problem", "registry", "retention", "route", "store"},
	"store/bolt/wal":                {"std"},
	"store/*":                       {"alert", "alert/wire", "auth", "delivery", "destination", "intake", "problem", "registry", "retention", "route", "store", "store/bolt/wal"},
	"metrics":                       {"delivery", "destination", "route"},
	"api":                           {"alert", "alert/wire", "auth", "delivery", "destination", "intake", "problem", "registry", "route", "secret", "store"},
	"server":                        {"*"},
	"servertest":                    {"server", "secret"},
	"faulttest":                     {"client"},
	"cmd/alertrouter":               {"server", "client"},
	"cmd/bench":                     {"machine"}, // it measures the server from outside
	"machine":                       {"std"},
	"destination/amazon/amazontest": {"destination", "outbound"},
	"destination/amazon_sns":        {"destination", "destination/amazon", "destination/payload", "destination/render"},
	"destination/amazon_sqs":        {"destination", "destination/amazon", "destination/payload", "outbound"},
	"destination/email":             {"alert", "destination", "destination/render", "destination/shrink", "outbound", "problem", "secret"},
	"destination/jira_cloud":        {"alert", "destination", "destination/jira", "destination/render", "outbound", "secret"},
	"destination/jira_data_center":  {"destination", "destination/jira", "destination/render", "outbound", "secret"},
}

func rulesFor(name string) ([]string, bool) {
	if rules, ok := allowed[name]; ok {
		return rules, true
	}
	rules, ok := allowed[filepath.Dir(name)+"/*"]
	return rules, ok
}

func TestLayout_ImportDirections(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, p := range packages(t) {
		if p.ImportPath != module+"/server" && !strings.HasPrefix(p.ImportPath, module+"/server/") {
			continue
		}
		name := short(p.ImportPath)
		rules, ok := rulesFor(name)
		if !ok {
			t.Errorf("%s has no import rule: add one to this test", name)
			continue
		}
		checked++
		for _, path := range p.Imports {
			other := short(path)
			if other == "" && slices.Contains(rules, "std") && strings.Contains(strings.SplitN(path, "/", 2)[0], ".") {
				t.Errorf("%s imports %s; it may import only the standard library", name, path)
			}
			if other != "" && !permits(rules, other) {
				t.Errorf("%s imports %s; it may import %v", name, other, rules)
			}
		}
	}
	if checked < 15 {
		t.Fatalf("checked %d packages; there are more", checked)
	}
}

func permits(rules []string, name string) bool {
	return slices.ContainsFunc(rules, func(rule string) bool {
		return rule == "*" || rule == name || strings.HasSuffix(rule, "/") && strings.HasPrefix(name, rule)
	})
}

// The provider is what people install beside Terraform: it must not bring the server along.
func TestLayout_TheProviderLinksOnlyThePureParts(t *testing.T) {
	t.Parallel()
	pure := []string{"main", "client", "provider", "alert", "route", "problem", "destination/cut", "destination/template"}
	for _, p := range packages(t) {
		if p.ImportPath != module {
			continue
		}
		own := 0
		for _, dep := range p.Deps {
			name := short(dep)
			if name == "" {
				continue
			}
			own++
			if !slices.Contains(pure, name) && !strings.HasPrefix(name, "provider/") {
				t.Errorf("the provider links %s", name)
			}
		}
		if own == 0 {
			t.Error("the provider links nothing of this module: is main.go empty?")
		}
		return
	}
	t.Fatal("there is no main package at the root")
}

// What is tracked at the top is fixed: a newcomer learns it once.
func TestLayout_TheTopIsFixed(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "git", "ls-files").Output()
	if err != nil {
		t.Skip("this is no checkout:", err)
	}
	directories := map[string]bool{}
	for path := range strings.Lines(string(out)) {
		if top, _, nested := strings.Cut(path, "/"); nested {
			directories[top] = true
		}
	}
	want := []string{".ci", "client", "docs", "examples", "provider", "server", "templates", "tools"}
	if got := slices.Sorted(maps.Keys(directories)); !slices.Equal(got, want) {
		t.Errorf("the directories are %v, want %v", got, want)
	}
}

func TestLayout_TheClientLinksNothingHere(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if p.ImportPath != module+"/client" {
			continue
		}
		for _, dep := range p.Deps {
			if short(dep) != "" {
				t.Errorf("the client links %s", dep)
			}
		}
		return
	}
	t.Fatal("there is no client package")
}

func TestLayout_EveryPackageHasAComment(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// No package registers itself: what a program does is told by the lists it is given.
func TestLayout_NoInitFunctions(t *testing.T) {
	t.Parallel()
	files := 0
	for _, p := range packages(t) {
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files++
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
					t.Errorf("%s has an init function", filepath.Join(p.Dir, name))
				}
			}
		}
	}
	if files == 0 {
		t.Fatal("found no files")
	}
}

func TestLayout_EveryFileNamesItsLicence(t *testing.T) {
	t.Parallel()
	checked := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && path != "." && entry.Name() != ".ci" || path == "bin" || path == "dist" || path == "docs") {
			return filepath.SkipDir
		}
		switch filepath.Ext(path) {
		case ".go", ".tf", ".hcl", ".yaml", ".yml":
		default:
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		checked++
		if generated := bytes.Contains(raw[:min(len(raw), 200)], []byte("DO NOT EDIT")); !generated && !bytes.Contains(raw[:min(len(raw), 200)], []byte("SPDX-License-Identifier: MPL-2.0")) {
			t.Errorf("%s has no SPDX line", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 100 {
		t.Fatalf("checked %d files; there are more", checked)
	}
}

func TestContract_EveryOperationHasAPermissionAndEverySchemaAnExample(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewLoader().LoadFromFile("server/api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	operations := 0
	for path, item := range document.Paths.Map() {
		for method, o := range item.Operations() {
			operations++
			permission, _ := o.Extensions["x-permission"].(string)
			if permission == "" || (permission == "public") != (o.Security != nil && len(*o.Security) == 0) {
				t.Errorf("%s %s: x-permission is %q, which does not go with its security", method, path, permission)
			}
			if o.OperationID == "" || o.Summary == "" {
				t.Errorf("%s %s has no operationId or summary", method, path)
			}
		}
	}
	if operations < 25 || len(document.Components.Schemas) < 40 {
		t.Fatalf("found %d operations and %d schemas; there are more", operations, len(document.Components.Schemas))
	}
	for name, s := range document.Components.Schemas {
		checkSchema(t, name, s.Value)
	}
}

// checkSchema wants a valid example, and a description of every property.
func checkSchema(t *testing.T, name string, s *openapi3.Schema) {
	t.Helper()
	if s.Example == nil && s.Type.Is("object") {
		t.Errorf("schema %s has no example", name)
	}
	if s.Example != nil {
		if err := s.VisitJSON(s.Example, openapi3.MultiErrors()); err != nil {
			t.Errorf("the example of %s does not match it: %v", name, err)
		}
	}
	for property, p := range s.Properties {
		if p.Value.Description == "" && p.Ref == "" {
			t.Errorf("%s.%s has no description", name, property)
		}
	}
}

func TestContract_EveryDestinationTypeIsComplete(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewLoader().LoadFromFile("server/api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	configs := document.Components.Schemas["DestinationConfig"].Value.Properties
	if len(configs) == 0 {
		t.Fatal("the contract has no destination type")
	}
	for name := range configs {
		if _, err := os.Stat(filepath.Join("server/destination", name)); err != nil {
			t.Errorf("the contract has the destination type %s, server/destination does not", name)
		}
		for _, file := range []string{"provider/destination_" + name + ".go", "examples/resources/alertrouter_destination_" + name + "/resource.tf", "docs/resources/destination_" + name + ".md"} {
			if _, err := os.Stat(file); err != nil {
				t.Errorf("the destination type %s has no %s", name, file)
			}
		}
	}
	entries, err := os.ReadDir("server/destination")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, kind := range catalog.Types() {
		listed = append(listed, kind.Name)
		config := configs[kind.Name]
		if config == nil {
			continue // reported below
		}
		if got, want := slices.Sorted(slices.Values(kind.Members)), slices.Sorted(maps.Keys(config.Value.Properties)); !slices.Equal(got, want) {
			t.Errorf("the Config of server/destination/%s has the members %v, the contract %v", kind.Name, got, want)
		}
	}
	shared := []string{"amazon", "catalog", "cut", "destinationtest", "jira", "payload", "render", "shrink", "template"} // not types
	for _, entry := range entries {
		name := entry.Name()
		if !entry.IsDir() || slices.Contains(shared, name) {
			continue
		}
		if configs[name] == nil {
			t.Errorf("server/destination/%s is no member of DestinationConfig in the contract", name)
		}
		if !slices.Contains(listed, name) {
			t.Errorf("server/destination/%s is not listed in server/destination/catalog", name)
		}
		if _, err := os.Stat(filepath.Join("server/destination", name, "testdata/suite.json")); err != nil {
			t.Errorf("server/destination/%s has no testdata/suite.json: it does not pass the suite", name)
		}
	}
}
