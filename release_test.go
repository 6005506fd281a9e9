// SPDX-License-Identifier: MPL-2.0

package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// A release is what .goreleaser.yml says of how one is made.
type release struct {
	ProjectName string `yaml:"project_name"`
	Builds      []struct {
		ID, Main, Binary string
		Env, Flags       []string
		LDFlags          []string `yaml:"ldflags"`
		ModTimestamp     string   `yaml:"mod_timestamp"`
		Goos, Goarch     []string
		Ignore           []struct{ Goos, Goarch string }
	}
	Archives []struct {
		ID           string
		Formats      []string
		NameTemplate string   `yaml:"name_template"`
		BuildsInfo   fileInfo `yaml:"builds_info"`
		Files        []struct {
			Src  string
			Info fileInfo
		}
	}
	Checksum struct {
		NameTemplate string `yaml:"name_template"`
		Algorithm    string
		ExtraFiles   []extraFile `yaml:"extra_files"`
	}
	Signs   []struct{ Artifacts string }
	Release struct {
		ExtraFiles []extraFile `yaml:"extra_files"`
	}
}

type fileInfo struct{ Owner, Group, Mtime string }

type extraFile struct {
	Glob         string
	NameTemplate string `yaml:"name_template"`
}

const releaseVersion = "9.8.7" // of the releases these tests make

func readRelease(t *testing.T) release {
	t.Helper()
	raw, err := os.ReadFile(".goreleaser.yml")
	if err != nil {
		t.Fatal(err)
	}
	var r release
	if err := yaml.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Builds) != 2 || len(r.Archives) != 2 {
		t.Fatalf("found %d builds and %d archives, want those of the provider and of the control plane", len(r.Builds), len(r.Archives))
	}
	return r
}

// fill puts values in place of the templates that the file uses.
func (r release) fill(template, goos, goarch string) string {
	return strings.NewReplacer("{{ .ProjectName }}", r.ProjectName, "{{ .Version }}", releaseVersion,
		"{{ .Os }}", goos, "{{ .Arch }}", goarch).Replace(template)
}

// TestRelease_HasTheNamesThatRegistriesLookFor compares with
// https://developer.hashicorp.com/terraform/registry/providers/publishing.
func TestRelease_HasTheNamesThatRegistriesLookFor(t *testing.T) {
	t.Parallel()
	r := readRelease(t)
	prefix := "terraform-provider-alertrouter_" + releaseVersion
	if got, want := r.fill(r.Builds[0].Binary, "linux", "arm"), "terraform-provider-alertrouter_v"+releaseVersion; got != want {
		t.Errorf("the provider's binary is %s, want %s", got, want)
	}
	if got, want := r.fill(r.Archives[0].NameTemplate, "linux", "arm"), prefix+"_linux_arm"; got != want || !slices.Equal(r.Archives[0].Formats, []string{"zip"}) {
		t.Errorf("the provider's archive is %s as %v, want %s as zip", got, r.Archives[0].Formats, want)
	}
	if got := r.fill(r.Checksum.NameTemplate, "", ""); got != prefix+"_SHA256SUMS" || r.Checksum.Algorithm != "sha256" {
		t.Errorf("the checksums are %s of %s, want %s_SHA256SUMS of sha256", got, r.Checksum.Algorithm, prefix)
	}
	if len(r.Signs) != 1 || r.Signs[0].Artifacts != "checksum" {
		t.Errorf("signed is %+v, want the checksums", r.Signs)
	}
	for what, files := range map[string][]extraFile{"checksums": r.Checksum.ExtraFiles, "release": r.Release.ExtraFiles} {
		if len(files) != 1 || files[0].Glob != "terraform-registry-manifest.json" || r.fill(files[0].NameTemplate, "", "") != prefix+"_manifest.json" {
			t.Errorf("the %s have %+v, want the manifest", what, files)
		}
	}
	var manifest struct {
		Version  int
		Metadata struct {
			ProtocolVersions []string `json:"protocol_versions"`
		}
	}
	raw, err := os.ReadFile("terraform-registry-manifest.json")
	if err == nil {
		err = json.Unmarshal(raw, &manifest)
	}
	if err != nil || manifest.Version != 1 || !slices.Equal(manifest.Metadata.ProtocolVersions, []string{"6.0"}) {
		t.Errorf("the manifest is %+v (%v), want version 1 and protocol 6.0", manifest, err)
	}
}

func TestRelease_IsForTheUsualPlatforms(t *testing.T) {
	t.Parallel()
	ports, err := exec.Command("go", "tool", "dist", "list").Output()
	if err != nil {
		t.Fatal(err)
	}
	r := readRelease(t)
	for i, want := range []int{13, 6} {
		b := r.Builds[i]
		platforms := 0
		for _, goos := range b.Goos {
			for _, goarch := range b.Goarch {
				ignored := slices.Contains(b.Ignore, struct{ Goos, Goarch string }{goos, goarch})
				exists := slices.Contains(strings.Fields(string(ports)), goos+"/"+goarch)
				if ignored == exists {
					t.Errorf("%s: %s/%s: ignored is %t, and that Go has a port %t", b.ID, goos, goarch, ignored, exists)
				}
				if !ignored {
					platforms++
				}
			}
		}
		if platforms != want {
			t.Errorf("%s is built for %d platforms, want %d", b.ID, platforms, want)
		}
	}
}

// TestRelease_IsReproducible builds both programs with the release's flags in two directories, and wants the same bytes.
func TestRelease_IsReproducible(t *testing.T) {
	t.Parallel()
	r := readRelease(t)
	for _, a := range r.Archives {
		infos := []fileInfo{a.BuildsInfo}
		for _, f := range a.Files {
			infos = append(infos, f.Info)
		}
		for _, info := range infos {
			if want := (fileInfo{"root", "root", "{{ .CommitDate }}"}); info != want {
				t.Errorf("archive %s has a file of %+v, want %+v: its bytes would depend on who made it", a.ID, info, want)
			}
		}
	}
	elsewhere := copySources(t)
	binaries := map[string]string{}
	for _, b := range r.Builds {
		if b.ModTimestamp != "{{ .CommitTimestamp }}" {
			t.Errorf("%s has the time %q, want the commit's", b.ID, b.ModTimestamp)
		}
		args := slices.Concat([]string{"build"}, b.Flags, []string{"-ldflags", r.fill(strings.Join(b.LDFlags, " "), "", "")})
		binaries[b.ID] = buildIn(t, ".", args, b.Env, b.Main)
		first, second := contents(t, binaries[b.ID]), contents(t, buildIn(t, elsewhere, args, b.Env, b.Main))
		if first != second {
			t.Errorf("%s: two builds of the same source differ", b.ID)
		}
		if wd, _ := os.Getwd(); strings.Contains(first, wd) {
			t.Errorf("%s names the directory it was built in", b.ID)
		}
	}
	if out, err := exec.Command(binaries["alertrouter"], "version").CombinedOutput(); err != nil || !strings.Contains(string(out), releaseVersion) {
		t.Errorf("alertrouter version says %q (%v), want %s", out, err, releaseVersion)
	}
	if got, want := userAgent(t, binaries["provider"]), "terraform-provider-alertrouter/"+releaseVersion+" "; !strings.HasPrefix(got, want) {
		t.Errorf("the provider calls itself %q, want %q first", got, want)
	}
}

// copySources copies the sources of both programs into another directory.
func copySources(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"client", "provider", "server"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum", "main.go"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(contents(t, name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func buildIn(t *testing.T, dir string, args, env []string, main string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "terraform-provider-alertrouter_v"+releaseVersion)
	cmd := exec.CommandContext(t.Context(), "go", append(args, "-o", binary, main)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s in %s: %v\n%s", main, dir, err, out)
	}
	return binary
}

func contents(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// userAgent runs a real plan with a provider, and returns what it calls itself in its request.
func userAgent(t *testing.T, binary string) string {
	t.Helper()
	engines, err := enginetest.Find()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var agent string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		agent = r.UserAgent()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"items":[]}`))
	}))
	defer api.Close()
	dir := t.TempDir()
	settings := filepath.Join(dir, "terraform.rc")
	for path, text := range map[string]string{
		settings: fmt.Sprintf("provider_installation {\n  dev_overrides { %q = %q }\n}\n", engines[0].ProviderHost()+"/alertrouter/alertrouter", filepath.Dir(binary)),
		filepath.Join(dir, "main.tf"): enginetest.RequiredProviders + `data "alertrouter_destinations" "all" {}
`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), engines[0].Path, "plan")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+settings, "CHECKPOINT_DISABLE=1", "ALERTROUTER_ENDPOINT="+api.URL, "ALERTROUTER_TOKEN=a-token-of-sixteen-or-more")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s plan: %v\n%s", engines[0], err, out)
	}
	mu.Lock()
	defer mu.Unlock()
	return agent
}
