defmodule A.MixProject do
  use Mix.Project
  def project, do: [app: :a, version: "0.1.0", deps: [{:b, path: "b"}]]
end
