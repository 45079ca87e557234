# For a tap: put the address and the checksum of the release's sdist here, then
#   brew install --build-from-source ./fluxsync.rb && brew services start fluxsync
# The dependencies come from PyPI as wheels, which a tap may do; the core of Homebrew wants them as resources
# (`brew update-python-resources fluxsync` writes those).
class Fluxsync < Formula
  include Language::Python::Virtualenv

  desc "Keep a folder and a Fluxiom digital-asset account in step, both ways"
  homepage "https://pypi.org/project/fluxsync/"
  url "https://files.pythonhosted.org/packages/source/f/fluxsync/fluxsync-0.1.0.tar.gz"
  # sha256 "of the sdist"
  license "MIT"

  depends_on "python@3.13"

  def install
    virtualenv_create(libexec, "python3.13", without_pip: false)
    system libexec/"bin/python", "-m", "pip", "install", "--prefer-binary", buildpath
    bin.install_symlink libexec/"bin/fluxsync"
    man1.install "packaging/man/fluxsync.1"
    bash_completion.install "packaging/completions/fluxsync.bash" => "fluxsync"
    zsh_completion.install "packaging/completions/_fluxsync"
    fish_completion.install "packaging/completions/fluxsync.fish"
    pkgshare.install "config.example.toml"
  end

  service do
    run [opt_bin/"fluxsync"]
    keep_alive successful_exit: false
    throttle_interval 60
    process_type :background
    log_path var/"log/fluxsync.log"
    error_log_path var/"log/fluxsync.log"
  end

  test do
    assert_match "fluxsync #{version}", shell_output("#{bin}/fluxsync --version")
    assert_match "in step", shell_output("#{bin}/fluxsync demo")
  end
end
