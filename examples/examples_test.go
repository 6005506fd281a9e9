// SPDX-License-Identifier: MPL-2.0

// Package examples_test keeps what is written for people true: links lead somewhere, what the README quotes is in the
// examples, and configurations to copy and to read are run.
//
//	examples_test.go  links, names and quotations
//	modules_test.go   the configurations to copy: one function for each that is run here
//	checks_test.go    that of examples/checks
//	workflow_test.go  that of examples/github-actions
//	guides_test.go    the configurations in the guides
package examples_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages returns every page written by hand, or from a hand-written template, by its path from here.
func pages(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"../*.md", "../docs/operations/*.md", "../docs/guides/*.md", "../docs/index.md", "*/README.md"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("there are no pages %s (%v)", pattern, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			texts[path] = string(text)
		}
	}
	return texts
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

// repository is where the pages of the provider, which are read elsewhere, find this one.
const repository = "https://github.com/alertrouter/terraform-provider-alertrouter/tree/main/"

func TestPages_LinkToWhatExists(t *testing.T) {
	t.Parallel()
	links := 0
	for path, text := range pages(t) {
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			file, anchor, _ := strings.Cut(match[1], "#")
			own, isOwn := strings.CutPrefix(strings.Replace(file, "/blob/", "/tree/", 1), repository)
			if !isOwn && strings.Contains(file, "://") {
				continue
			}
			links++
			page := path
			switch {
			case isOwn:
				page = filepath.Join("..", own)
			case file != "":
				page = filepath.Join(filepath.Dir(path), file)
			}
			if strings.HasPrefix(path, "../docs/") && filepath.Ext(page) == "" && !isOwn {
				page += ".md" // as the Registry has them
			}
			if _, err := os.Stat(page); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", path, match[1])
				continue
			}
			if anchor != "" && !hasHeading(t, page, anchor) {
				t.Errorf("%s: the link to %s names no heading", path, match[1])
			}
		}
	}
	if links < 10 {
		t.Fatalf("found %d links; there are more", links)
	}
}

func hasHeading(t *testing.T, path, anchor string) bool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range heading.FindAllStringSubmatch(string(text), -1) {
		words := strings.Map(func(r rune) rune {
			if strings.ContainsRune(",.:?`*", r) {
				return -1
			}
			return r
		}, strings.ToLower(match[1]))
		if strings.ReplaceAll(words, " ", "-") == anchor {
			return true
		}
	}
	return false
}

// examplePath is a file of the examples, as a page or a command in it names it.
var examplePath = regexp.MustCompile(`examples/[a-z]+/[\w-]+\.(?:json|tf|go)`)

func TestPages_NameFilesThatExist(t *testing.T) {
	t.Parallel()
	found := 0
	for path, text := range pages(t) {
		for _, file := range examplePath.FindAllString(text, -1) {
			found++
			if _, err := os.Stat(filepath.Join("..", file)); err != nil {
				t.Errorf("%s names %s, which does not exist", path, file)
			}
		}
	}
	if found == 0 {
		t.Fatal("no page names a file of the examples")
	}
}

var (
	resourceNamed = regexp.MustCompile(`(?s)resource "(\w+)" "(\w+)" {(.*?)\n}`)
	reference     = regexp.MustCompile(`(?:^|[^.\w])(alertrouter_\w+\.\w+)`)
	importByName  = regexp.MustCompile(`to = (\S+)\n\s+id = "name:(.*)"`)
)

// TestResources_RefersToItsExamples looks for what the snippets on a resource's page name among the examples on it.
func TestResources_RefersToItsExamples(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../docs/resources/*.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := 0
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(blocks(string(text), "terraform"), "\n")
		bodies := map[string]string{}
		for _, match := range resourceNamed.FindAllStringSubmatch(all, -1) {
			bodies[match[1]+"."+match[2]] = match[3]
		}
		for _, match := range reference.FindAllStringSubmatch(all, -1) {
			if _, ok := bodies[match[1]]; !ok {
				t.Errorf("%s refers to %s, which is in none of its examples", path, match[1])
			}
		}
		for _, match := range importByName.FindAllStringSubmatch(all, -1) {
			if !strings.Contains(bodies[match[1]], `= "`+match[2]+`"`) {
				t.Errorf("%s imports %q as %s, whose name is another", path, match[2], match[1])
			}
		}
		if !strings.Contains(filepath.Base(path), "destination_") {
			continue
		}
		tests++
		if !strings.Contains(all, "destination_id       = alertrouter_"+strings.TrimSuffix(filepath.Base(path), ".md")+".") || !importByName.MatchString(all) {
			t.Errorf("%s does not show how a destination is tested and imported", path)
		}
	}
	if tests == 0 {
		t.Fatal("there is no page of a destination")
	}
}

// TestReadme_QuotesTheQuickstart compares every block of the README's configuration with the file that is run.
func TestReadme_QuotesTheQuickstart(t *testing.T) {
	t.Parallel()
	quickstart, err := os.ReadFile("quickstart/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, match := range regexp.MustCompile("(?s)```hcl\n(.*?)```").FindAllStringSubmatch(pages(t)["../README.md"], -1) {
		if strings.Contains(match[1], "provider_installation") {
			continue // it is of Terraform's own settings
		}
		for block := range strings.SplitSeq(match[1], "\n}\n") {
			if block = strings.TrimSpace(block); block == "" {
				continue
			}
			blocks++
			if !strings.Contains(string(quickstart), block+"\n}\n") {
				t.Errorf("the README quotes what is not in examples/quickstart/main.tf:\n%s", block)
			}
		}
	}
	if blocks < 3 {
		t.Fatalf("the README quotes %d blocks of the quickstart, want some", blocks)
	}
}
