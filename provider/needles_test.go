// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// needleMark is in every secret of the test.
const needleMark = "feedfacecafebeef"

// TestSecrets_OfEveryTypeAreNowhere makes and changes destinations with every secret there is, in both modes, has the
// control plane refuse values of them, and then searches all that is left: files, the members of plans, what is encoded
// in them, what was printed, and logs at the highest level.
func TestSecrets_OfEveryTypeAreNowhere(t *testing.T) {
	w := newWorld(t)
	secrets := secretCases(w.driftCases(t))
	if len(secrets) < 10 && *onlyType == "" {
		t.Fatalf("there are only %d secrets", len(secrets))
	}
	config := enginetest.RequiredProviders
	for _, c := range secrets {
		config += fmt.Sprintf("variable %q { ephemeral = true }\n", c.label()) + c.block(t)
	}
	p := newProxy(t, w)
	work := enginetest.NewWorkspace(t, config, "ALERTROUTER_ENDPOINT="+p.URL, "ALERTROUTER_TOKEN="+w.Token, "TF_LOG=TRACE", "TF_LOG_PATH=terraform.log")
	give := func(round string, value func(c driftCase, needle string) string) {
		for _, c := range secrets {
			sum := sha256.Sum256([]byte(c.label() + round))
			work.Env = append(work.Env, "TF_VAR_"+c.label()+"="+value(c, needleMark+hex.EncodeToString(sum[:8])))
		}
	}
	printed := ""
	for _, round := range []string{"first", "second"} {
		give(round, acceptable)
		out, err := work.Run(t, "plan", "-no-color", "-out="+round+".plan")
		if err != nil {
			t.Fatalf("%v\n%s\n%s", err, out, mustTake)
		}
		printed += out
		work.Write(t, round+".json", work.Must(t, "show", "-json", round+".plan"))
		printed += work.Must(t, "apply", "-no-color", round+".plan")
		work.Write(t, round+"-state.json", work.Must(t, "show", "-json"))
	}
	if automatic := len(secrets) / 2; !strings.Contains(printed, fmt.Sprintf("0 added, %d changed", automatic)) {
		t.Errorf("the second round did not change the %d in automatic mode:\n%s", automatic, printed)
	}
	give("refused", unacceptable)
	out, err := work.Run(t, "plan", "-no-color")
	if printed += out; err == nil || !strings.Contains(out, "_wo") {
		t.Errorf("what cannot be was not refused (%v):\n%s", err, out)
	}
	// A page that something on the way makes of what was sent.
	p.answerWith(func(rw http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodPost && req.Method != http.MethodPut {
			return false
		}
		var sent bytes.Buffer
		_, _ = sent.ReadFrom(req.Body)
		at := max(0, bytes.Index(sent.Bytes(), []byte(`"config"`)))
		http.Error(rw, "<html>"+sent.String()[at:], http.StatusForbidden)
		return true
	})
	give("echoed", acceptable)
	out, err = work.Run(t, "apply", "-no-color", "-auto-approve")
	if printed += out; err == nil || !strings.Contains(out, "[secret]") {
		t.Errorf("what was echoed is not taken out (%v):\n%s", err, out)
	}
	work.Write(t, "printed.txt", printed)
	searchFor(t, work.Dir, needleMark, w.Token)
}

// secretCases are the cases of secrets that are set from the beginning, with a variable as their value.
func secretCases(all []driftCase) (secrets []driftCase) {
	for _, c := range all {
		if !isSecret(c.attribute) || !strings.HasPrefix(c.how, "changed") {
			continue
		}
		reference := "${var." + c.label() + "}"
		if _, table := c.has.(map[string]any); table {
			c.has = map[string]any{"X-One": reference}
		} else {
			c.has = reference
		}
		secrets = append(secrets, c)
	}
	return secrets
}

// acceptable is a value with the needle in it.
func acceptable(c driftCase, needle string) string {
	if form := c.known.Needles[member(c.attribute)]; form != "" {
		return strings.ReplaceAll(form, "NEEDLE", needle)
	}
	return needle + "-~"
}

// unacceptable is one that no type takes.
func unacceptable(_ driftCase, needle string) string { return "ftp://\n:" + needle + "é%zz" }

// encodedIn returns the words of a text that can be base64 and are long enough to hold a needle. A log has megabytes.
func encodedIn(text []byte) [][]byte {
	var words [][]byte
	start := 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && inBase64[text[i]] {
			continue
		}
		if i-start >= 24 {
			words = append(words, text[start:i])
		}
		start = i + 1
	}
	return words
}

var inBase64 = func() (is [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-") {
		is[c] = true
	}
	return is
}()

// searchFor looks for the needles in every file of a directory, in the members of what is an archive, and in what is
// encoded in base64 there, however often.
func searchFor(t *testing.T, dir string, needles ...string) {
	t.Helper()
	var looked, decoded int
	known := map[string]bool{} // what was decoded already: a log says the same again and again
	var look func(name string, text []byte)
	look = func(name string, text []byte) {
		looked++
		for _, needle := range needles {
			if at := bytes.Index(text, []byte(needle)); at >= 0 {
				t.Errorf("%s has a secret: …%s…", name, text[max(0, at-300):min(len(text), at+100)])
			}
		}
		if archive, err := zip.NewReader(bytes.NewReader(text), int64(len(text))); err == nil {
			for _, member := range archive.File {
				inside, err := fs.ReadFile(archive, member.Name)
				if err != nil {
					t.Error(err)
				}
				look(name+"/"+member.Name, inside)
			}
			return
		}
		for _, word := range encodedIn(text) {
			if known[string(word)] {
				continue
			}
			known[string(word)] = true
			plain := strings.NewReplacer("-", "+", "_", "/").Replace(string(word))
			if inside, err := base64.RawStdEncoding.DecodeString(plain); err == nil {
				decoded++
				look(name+", decoded", inside)
			}
		}
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		look(filepath.Base(path), text)
		return err
	})
	if err != nil || looked < 10 || decoded == 0 {
		t.Errorf("looked at %d texts, of which %d were encoded (%v)", looked, decoded, err)
	}
}
