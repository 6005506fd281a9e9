// SPDX-License-Identifier: MPL-2.0

package examples_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// A workflow is what this test needs to know of one.
type workflow struct {
	Env  map[string]string `yaml:"env"`
	Jobs map[string]job    `yaml:"jobs"`
}

type job struct {
	If    string            `yaml:"if"`
	Needs string            `yaml:"needs"`
	Env   map[string]string `yaml:"env"`
	Steps []struct {
		Uses string            `yaml:"uses"`
		With map[string]string `yaml:"with"`
		Run  string            `yaml:"run"`
	} `yaml:"steps"`
}

// runGitHubActions runs every command of the workflow, in order and each job in a directory of its own, as GitHub would: for a pull
// request, for the push after it, and for the next pull request, whose plan has nothing to do.
func runGitHubActions(t *testing.T, w *world) {
	var flow workflow
	raw, err := os.ReadFile("github-actions/.github/workflows/alertrouter.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(raw, &flow); err != nil {
		t.Fatal(err)
	}
	checkPinned(t, flow)
	if !strings.Contains(flow.Jobs["plan"].If, "pull_request") || !strings.Contains(flow.Jobs["apply"].If, "'push'") {
		t.Errorf("plan runs if %q and apply if %q, want pull requests and pushes", flow.Jobs["plan"].If, flow.Jobs["apply"].If)
	}
	w.Install(t, "1.2.3")
	w.Must(t, "init", "-backend=false") // whoever writes the configuration commits the lock file
	values := map[string]string{
		"vars.ALERTROUTER_ENDPOINT":      w.URL,
		"secrets.ALERTROUTER_PLAN_TOKEN": w.token(t, "destinations:read", "overrides:read"),
		"secrets.ALERTROUTER_APPLY_TOKEN": w.token(t, "destinations:read", "destinations:write",
			"overrides:read", "overrides:write"),
		"secrets.TF_HTTP_ADDRESS":   stateServer(t),
		"secrets.SLACK_WEBHOOK_URL": slackURL,
	}
	g := &actions{world: w, flow: flow, values: values, done: map[string]bool{}}
	g.job(t, "test", "Success! 1 passed, 0 failed.")
	g.job(t, "plan", "Plan: 3 to add, 0 to change, 0 to destroy.")
	g.job(t, "test", "Success!")
	g.job(t, "apply", "Apply complete! Resources: 3 added, 0 changed, 0 destroyed.")
	g.job(t, "plan", "No changes.")
	if len(g.done) != len(flow.Jobs) {
		t.Errorf("ran the jobs %v of %d", g.done, len(flow.Jobs))
	}
}

// checkPinned wants every action by commit, and the engine by number.
func checkPinned(t *testing.T, flow workflow) {
	t.Helper()
	pinned := regexp.MustCompile(`^[\w-]+/[\w-]+@[0-9a-f]{40}$`)
	uses := 0
	for name, j := range flow.Jobs {
		for _, step := range j.Steps {
			if step.Uses == "" {
				continue
			}
			uses++
			if !pinned.MatchString(step.Uses) {
				t.Errorf("job %s uses %s, which is no commit", name, step.Uses)
			}
			if strings.Contains(step.Uses, "setup-terraform") && !regexp.MustCompile(`^\d+\.\d+\.\d+$`).MatchString(step.With["terraform_version"]) {
				t.Errorf("job %s takes Terraform %q, want one version", name, step.With["terraform_version"])
			}
		}
	}
	if uses == 0 {
		t.Error("the workflow uses no action")
	}
}

// actions stands in for GitHub's.
type actions struct {
	*world
	flow   workflow
	values map[string]string // of the expressions
	done   map[string]bool
}

var expression = regexp.MustCompile(`\$\{\{\s*([\w.]+)\s*\}\}`)

// job runs a job's commands in a fresh checkout, and wants the words in what they print.
func (g *actions) job(t *testing.T, name, words string) {
	t.Helper()
	g.done[name] = true
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("github-actions")); err != nil {
		t.Fatal(err)
	}
	lock, err := os.ReadFile(filepath.Join(g.Dir, ".terraform.lock.hcl"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, ".terraform.lock.hcl"), lock, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	bin, summary := t.TempDir(), filepath.Join(t.TempDir(), "summary")
	if err := os.Symlink(enginetest.Current().Path, filepath.Join(bin, "terraform")); err != nil {
		t.Fatal(err)
	}
	env := slices.Concat(g.Env, []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "GITHUB_STEP_SUMMARY=" + summary, "ALERTROUTER_ENDPOINT=", "ALERTROUTER_TOKEN="})
	for _, variables := range []map[string]string{g.flow.Env, g.flow.Jobs[name].Env} {
		for key, value := range variables {
			env = append(env, key+"="+g.evaluate(t, value))
		}
	}
	var printed strings.Builder
	commands := 0
	for _, step := range g.flow.Jobs[name].Steps {
		if step.Run == "" {
			continue
		}
		commands++
		if expression.MatchString(step.Run) {
			t.Errorf("job %s puts an expression into a command; it belongs into env: %s", name, step.Run)
		}
		cmd := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", step.Run)
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		printed.Write(out)
		if err != nil {
			t.Fatalf("job %s: %s: %v\n%s", name, step.Run, err, out)
		}
	}
	if commands == 0 || !strings.Contains(printed.String(), words) {
		t.Errorf("job %s ran %d commands, which did not print %q:\n%s", name, commands, words, &printed)
	}
	if name == "test" {
		return
	}
	if text, err := os.ReadFile(summary); err != nil || !strings.Contains(string(text), "```terraform\n") || strings.Contains(string(text), slackURL) {
		t.Errorf("job %s: the summary is %q (%v), want the plan without its secrets", name, text, err)
	}
}

// evaluate puts values in place of the expressions in a text.
func (g *actions) evaluate(t *testing.T, text string) string {
	t.Helper()
	return expression.ReplaceAllStringFunc(text, func(match string) string {
		name := expression.FindStringSubmatch(match)[1]
		value, ok := g.values[name]
		if _, setting, _ := strings.Cut(name, "."); !ok || !strings.Contains(pages(t)["github-actions/README.md"], "`"+setting+"`") {
			t.Errorf("the workflow has %s, which this test does not know or its README does not tell to set", match)
		}
		return value
	})
}

// token makes a token that may do no more than this.
func (w *world) token(t *testing.T, permissions ...client.Permission) string {
	t.Helper()
	made, err := client.Created(w.api.CreateTokenWithResponse(t.Context(), nil, client.TokenInput{Name: "CI", Permissions: permissions}))
	if err != nil {
		t.Fatal(err)
	}
	return made.Secret
}

// stateServer keeps a state, as the backend http wants it, and returns its address.
func stateServer(t *testing.T) string {
	t.Helper()
	var mu sync.Mutex
	var state []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.Method == http.MethodPost:
			state, _ = io.ReadAll(r.Body)
		case state == nil:
			w.WriteHeader(http.StatusNotFound)
		default:
			_, _ = w.Write(state)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}
